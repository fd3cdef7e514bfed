import { z } from 'zod';
import { certificates, flag, port, privateKey, ranges, whole } from './values.js';

export const clusterVariables = {
  /** Path of a kubeconfig. Unset: the service account of the pod that the broker runs in, or `~/.kube/config`. */
  KUBECONFIG: z.string().optional(),
  /** Address of the Kubernetes API server as providers reach it, for join commands. Unset: that of the kubeconfig. */
  MASTER_PUBLIC_IP: z.string().optional(),
  /** Port that goes with `MASTER_PUBLIC_IP`; it has no effect without that variable. */
  MASTER_API_PORT: port(6443),
  /**
   * How long a join token is valid. kubeadm's own default is a day; a provider needs a minute. Short makes slow
   * machines register again; long leaves a leaked token usable. While more than a thousand tokens are unused, new ones
   * are valid for less, down to a minute, because `cluster-info` has room for 12,200.
   */
  JOIN_TOKEN_TTL_S: whole(900, 60, 86_400),
  /**
   * Whether network policies and Pod Security isolate customers' namespaces from each other, and quotas bound them.
   * Without it a job reaches other jobs and the cluster: turn it off only for one trusted customer, or in a laboratory.
   */
  ENABLE_TENANT_ISOLATION: flag(true),
  /** Public networks or addresses that jobs must not reach, such as those of this site's own machines. */
  TENANT_CLOSED_CIDRS: ranges.describe('list of networks such as 203.0.113.0/24, separated by commas'),
  /**
   * How long a customer's namespace stays after its last job. Short: the next job waits a second for a new one. Long:
   * the cluster keeps the namespaces of customers who do not come back.
   */
  TENANT_NAMESPACE_TTL_S: whole(3_600, 1, 31_536_000),
  /** RuntimeClass of the pods of jobs and miners, where the default runtime has no GPU hooks. Unset: the default runtime. */
  JOB_RUNTIME_CLASS: z.string().optional(),
  /** Whether root in a job is nobody on the machine, where the machine supports user namespaces. */
  JOB_USER_NAMESPACES: flag(true),
  /**
   * How long a pod may be terminating on a node that does not answer before its object is removed; on one that answers,
   * ten times as long. The kubelet then stops the containers as soon as it can; until then the customer may be logged in.
   * Short removes the pods of nodes that only lost a few packets; long delays the release of their capacity, and the charge.
   */
  LOST_POD_GRACE_S: whole(30, 1, 3_600),
  /**
   * Minimum age of anything that the reconciler repairs. The API stores an order a moment before it starts the
   * workflow: below some seconds, the reconciler starts what the API is just starting, and counts a repair. Long delays
   * repairs.
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
  /** The CA of the API server's client certificate; nobody else gets an answer. Required with `AUTHORIZER_TLS_CERT`. */
  AUTHORIZER_CLIENT_CA: certificates,
};
