import { z } from 'zod';
import { certificates, flag, port, privateKey, ranges, whole } from './values.js';

export const clusterVariables = {
  /** Path of a kubeconfig. Unset: the service account of the pod that the broker runs in, or `~/.kube/config`. */
  KUBECONFIG: z.string().optional(),
  /** Address of the Kubernetes API server as providers reach it; it is in every join command. Unset: that of the kubeconfig. */
  MASTER_PUBLIC_IP: z.string().optional(),
  /** Port that goes with `MASTER_PUBLIC_IP`; without that it has no effect. */
  MASTER_API_PORT: port(6443),
  /**
   * How long a join token can be used. kubeadm's own default is a day; a provider needs a minute. Short: a slow machine has to
   * register again. Long: a token that leaks stays useful.
   */
  JOIN_TOKEN_TTL_S: whole(900, 60, 86_400),
  /**
   * Whether customers' namespaces are closed to each other by network policies and Pod Security, and bounded by quotas. Without
   * it a job reaches other jobs and the cluster: only for one trusted customer, or a laboratory.
   */
  ENABLE_TENANT_ISOLATION: flag(true),
  /** Public networks or addresses that jobs must not reach, such as those of this site's own machines. */
  TENANT_CLOSED_CIDRS: ranges.describe('list of networks such as 203.0.113.0/24, separated by commas'),
  /**
   * How long a customer's namespace stays after its last job. Short: the next job waits a second for a new one. Long: the cluster
   * keeps namespaces of customers who do not come back.
   */
  TENANT_NAMESPACE_TTL_S: whole(3_600, 1, 31_536_000),
  /** RuntimeClass of the pods of jobs and miners, where the default runtime has no GPU hooks. Unset: the default runtime. */
  JOB_RUNTIME_CLASS: z.string().optional(),
  /** Whether root in a job is nobody on the machine, where the machine supports user namespaces. */
  JOB_USER_NAMESPACES: flag(true),
  /**
   * How long a pod on a node that does not answer may be terminating before its object is removed. The kubelet ends what runs
   * there when it comes back; until then whoever rented it may still be logged in. Short removes
   * pods of nodes that only lost a few packets; long keeps the capacity of such a job from being rented again.
   */
  LOST_POD_GRACE_S: whole(30, 1, 3_600),
  /**
   * How old something must be before the reconciler judges it. An order is written down a moment before its workflow starts:
   * below some seconds the reconciler starts what the API is just starting, and counts a repair. Long: repairs come later.
   */
  RECONCILER_GRACE_S: whole(30, 1, 3_600),
};

export const authorizerVariables = {
  /** Port on which the cluster's API server asks whether a node is still in the fleet. 0 takes a free port, for tests. */
  AUTHORIZER_PORT: port(9443),
  /** Address of that listener. */
  AUTHORIZER_HOST: z.string().default('0.0.0.0'),
  /** Its certificate, which the API server must trust. Required for the role `authorizer`. */
  AUTHORIZER_TLS_CERT: certificates,
  /** The key of `AUTHORIZER_TLS_CERT`; both or neither. */
  AUTHORIZER_TLS_KEY: privateKey,
  /** Who signed the certificate that the API server shows; nobody else is answered. Required with `AUTHORIZER_TLS_CERT`. */
  AUTHORIZER_CLIENT_CA: certificates,
};
