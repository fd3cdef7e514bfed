import type { V1Namespace, V1NetworkPolicy, V1ResourceQuota } from '@kubernetes/client-node';
import { gpuResource, labels, managedBy, sshContainerPort } from '../names.js';
import { tenantLabel } from '../tenant-names.js';
import { clusterDns } from './egress.js';

/** The limits of one wallet, from the configuration, never from what its first job ordered. */
export interface TenantQuota {
  maxJobs: number;
  maxGpus: number;
  /** Besides one for the SSH server of each job. */
  maxPorts: number;
}

export const podSecurityLabel = 'pod-security.kubernetes.io/enforce';

/**
 * A tenant's namespace. It enforces `baseline`, because `restricted` rejects images that run as root, which rented
 * machines must support. `restricted` only produces warnings, for operators who read audit logs.
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
 * Allows only SSH in and the name server out; each job's own policy adds its access to the internet. Enforced only if
 * the network plugin supports policies.
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

/** Replaces the policy above when tenants are no longer isolated: it allows everything. */
export function openNetworkPolicy(): V1NetworkPolicy {
  const { spec, ...policy } = tenantNetworkPolicy();
  return { ...policy, spec: { ...spec!, ingress: [{}], egress: [{}] } };
}

/** A limit on what the namespace can hold; a second safeguard behind the wallet's quota in the database. */
export function tenantResourceQuota(quota: TenantQuota): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tenant', labels: { [labels.managedBy]: managedBy } },
    spec: {
      hard: {
        pods: String(quota.maxJobs),
        'services.nodeports': String(quota.maxJobs + quota.maxPorts),
        'services.loadbalancers': '0',
        persistentvolumeclaims: '0',
        [`requests.${gpuResource}`]: String(quota.maxGpus),
      },
    },
  };
}

/**
 * The same limit for GPUs that the cluster counts under another resource name. There is one object per name, so that no
 * process removes what another one knows of.
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
 * Default limits, so that nothing runs unbounded. The object is in wire form: for applies, unlike creates, the client
 * does not convert its `_default` to the `default` of Kubernetes.
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
