import type { V1Namespace, V1NetworkPolicy, V1ResourceQuota } from '@kubernetes/client-node';
import { gpuResource, labels, managedBy, sshContainerPort } from '../names.js';
import { tenantLabel } from '../tenant-names.js';
import { clusterDns } from './egress.js';

/** What one wallet may hold at most; from the configuration, never from what its first job asked for. */
export interface TenantQuota {
  maxJobs: number;
  maxGpus: number;
}

export const podSecurityLabel = 'pod-security.kubernetes.io/enforce';

/**
 * A tenant's namespace. `baseline` is enforced: `restricted` refuses images that run as root, which rented machines
 * are expected to do; `restricted` is only warned about, for operators who read audit logs.
 */
export function tenantNamespaceObject(name: string): V1Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        [labels.managedBy]: managedBy,
        [labels.tenant]: tenantLabel(name),
        [podSecurityLabel]: 'baseline',
        'pod-security.kubernetes.io/enforce-version': 'latest',
        'pod-security.kubernetes.io/audit': 'restricted',
      },
    },
  };
}

/**
 * SSH in and the name server out, nothing else; each job's own policy adds its way to the internet. Enforced only where
 * the network plugin does so.
 */
export function tenantNetworkPolicy(): V1NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'tenant', labels: { [labels.managedBy]: managedBy } },
    spec: {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [{ port: sshContainerPort, protocol: 'TCP' }] }],
      egress: [clusterDns],
    },
  };
}

/** Takes the place of the policy above where tenants are not kept apart any more: it allows what no policy would forbid. */
export function openNetworkPolicy(): V1NetworkPolicy {
  const { spec, ...policy } = tenantNetworkPolicy();
  return { ...policy, spec: { ...spec!, ingress: [{}], egress: [{}] } };
}

/** A ceiling on what the namespace can hold; a second lock behind the wallet's quota in the database. */
export function tenantResourceQuota(quota: TenantQuota): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tenant', labels: { [labels.managedBy]: managedBy } },
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

/**
 * The same ceiling on GPUs that the cluster counts under a name of their own. An object for each name: what one process
 * knows of, no other takes back.
 */
export function tenantGpuQuota(resource: string, quota: TenantQuota): V1ResourceQuota {
  const name = `tenant-${resource.replace(/[^A-Za-z0-9]+/g, '-').toLowerCase()}`;
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name, labels: { [labels.managedBy]: managedBy } },
    spec: { hard: { [`requests.${resource}`]: String(quota.maxGpus) } },
  };
}

/**
 * Defaults for anything that came without limits, so that nothing runs unbounded. As it travels: of what is applied, and
 * not created, the client does not turn its `_default` into the `default` of Kubernetes.
 */
export function tenantLimitRange() {
  return {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'tenant', labels: { [labels.managedBy]: managedBy } },
    spec: {
      limits: [
        {
          type: 'Container',
          default: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' },
          defaultRequest: { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '64Mi' },
        },
      ],
    },
  };
}
