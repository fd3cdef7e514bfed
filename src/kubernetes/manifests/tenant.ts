import type {
  V1LimitRange,
  V1Namespace,
  V1NetworkPolicy,
  V1NetworkPolicyEgressRule,
  V1ResourceQuota,
} from '@kubernetes/client-node';
import { tenantNamespace } from '../../domain/job.js';
import { gpuResource, labels, managedBy, sshContainerPort } from '../names.js';

/** What one wallet may hold at most; from the configuration, never from what its first job asked for. */
export interface TenantQuota {
  maxJobs: number;
  maxGpus: number;
}

/** Addresses a job must not reach: link-local metadata services and everything private, the cluster's own included. */
const closedRanges = [
  '169.254.0.0/16',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
];

/** Egress to the cluster's name server. */
export const clusterDns: V1NetworkPolicyEgressRule = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

/** Egress to everything that is not private. */
export const publicInternet: V1NetworkPolicyEgressRule = {
  to: [{ ipBlock: { cidr: '0.0.0.0/0', except: closedRanges } }],
};

/**
 * A tenant's namespace. `baseline` is enforced: `restricted` refuses images that run as root, which rented machines
 * are expected to do; `restricted` is only warned about, for operators who read audit logs.
 */
export function tenantNamespaceObject(wallet: string): V1Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: tenantNamespace(wallet),
      labels: {
        [labels.managedBy]: managedBy,
        [labels.tenant]: wallet.toLowerCase(),
        'pod-security.kubernetes.io/enforce': 'baseline',
        'pod-security.kubernetes.io/enforce-version': 'latest',
        'pod-security.kubernetes.io/audit': 'restricted',
      },
    },
  };
}

/** SSH in, DNS and the public internet out, nothing else. Enforced only where the network plugin does so. */
export function tenantNetworkPolicy(wallet: string): V1NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'tenant', namespace: tenantNamespace(wallet), labels: { [labels.managedBy]: managedBy } },
    spec: {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [{ port: sshContainerPort, protocol: 'TCP' }] }],
      egress: [clusterDns, publicInternet],
    },
  };
}

/** A ceiling on what the namespace can hold; a second lock behind the wallet's quota in the database. */
export function tenantResourceQuota(wallet: string, quota: TenantQuota): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tenant', namespace: tenantNamespace(wallet), labels: { [labels.managedBy]: managedBy } },
    spec: {
      hard: {
        pods: String(quota.maxJobs),
        'services.nodeports': String(quota.maxJobs),
        'services.loadbalancers': '0',
        persistentvolumeclaims: '0',
        [`requests.${gpuResource}`]: String(quota.maxGpus),
      },
    },
  };
}

/** Defaults for anything that came without limits, so that nothing runs unbounded. */
export function tenantLimitRange(wallet: string): V1LimitRange {
  return {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'tenant', namespace: tenantNamespace(wallet), labels: { [labels.managedBy]: managedBy } },
    spec: {
      limits: [
        {
          type: 'Container',
          _default: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' },
          defaultRequest: { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '64Mi' },
        },
      ],
    },
  };
}
