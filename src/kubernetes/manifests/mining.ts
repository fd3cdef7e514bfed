import type { V1Deployment, V1Namespace, V1NetworkPolicy, V1ResourceQuota, V1Secret } from '@kubernetes/client-node';
import { minersName, miningP2pPort, type Miner } from '../../domain/mining.js';
import { gpuResource, labels, managedBy, miningNamespace, priorityClasses, taints } from '../names.js';
import { clusterDns, publicInternet } from './egress.js';

/** The inputs to a provider's miners besides their configuration. */
export interface MinerManifestSettings {
  /** How much a miner may write before Kubernetes ends it. */
  storageGb: number;
  runtimeClassName?: string;
}

const dataVolume = 'data';
/** Long enough to close a connection; a miner's data is discarded with its pod. A preempting job waits this long. */
const terminationGraceS = 2;

/** The namespace of all miners, as strict as a tenant's. One that older brokers left unenforced is adopted. */
export function miningNamespaceObject(): V1Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: miningNamespace,
      labels: {
        [labels.managedBy]: managedBy,
        'pod-security.kubernetes.io/enforce': 'baseline',
        'pod-security.kubernetes.io/enforce-version': 'latest',
        'pod-security.kubernetes.io/audit': 'restricted',
      },
    },
  };
}

/**
 * Allows the mining network's port in, and DNS and the public internet out. Enforced only if the network plugin
 * supports policies.
 */
export function miningNetworkPolicy(closed: readonly string[]): V1NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'mining', namespace: miningNamespace, labels: { [labels.managedBy]: managedBy } },
    spec: {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: (['TCP', 'UDP'] as const).map((protocol) => ({ port: miningP2pPort, protocol })) }],
      egress: [clusterDns, publicInternet(closed)],
    },
  };
}

/** No data of a miner outlives its pod, and no node port reaches it. */
export function miningResourceQuota(): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'mining', namespace: miningNamespace, labels: { [labels.managedBy]: managedBy } },
    spec: { hard: { services: '0', persistentvolumeclaims: '0' } },
  };
}

/** Everything that runs among the miners can be preempted by a job. */
export function miningPriorityQuota(): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'only-miners', namespace: miningNamespace, labels: { [labels.managedBy]: managedBy } },
    spec: {
      hard: { pods: '0' },
      scopeSelector: {
        matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: [priorityClasses.mining] }],
      },
    },
  };
}

/** The labels of a provider's miners, which also select them. */
function minerLabels(providerId: string): Record<string, string> {
  return {
    [labels.mining]: 'true',
    [labels.providerId]: providerId,
    // Existing tools select by the bare names.
    app: 'worldland-mining',
    'provider-id': providerId,
  };
}

/**
 * The environment of a provider's miners. The pods read it from this Secret, so that their specification contains no
 * value.
 */
export function minersSecret(providerId: string, { env }: Miner): V1Secret {
  const encoded = Object.entries(env).map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: minersName(providerId),
      namespace: miningNamespace,
      labels: { ...minerLabels(providerId), [labels.managedBy]: managedBy },
    },
    type: 'Opaque',
    data: Object.fromEntries(encoded) as Record<string, string>,
  };
}

/**
 * A provider's miners: as many one-GPU pods as it has GPUs to mine with, rented or not. Those without a free GPU wait
 * for the scheduler, which also preempts miners for jobs; the kubelet restarts a crashed miner with growing delays.
 * They are placed like jobs, by the label that only the broker sets, but confined more tightly: no capability, no host
 * directory and no host network.
 *
 * @param secretVersion the current version of the Secret: a changed environment recreates the miners.
 */
export function minersDeployment(
  providerId: string,
  miners: number,
  miner: Miner,
  secretVersion: string,
  settings: MinerManifestSettings,
): V1Deployment {
  const name = minersName(providerId);
  const sizes = { cpu: `${miner.cpuMillis}m`, memory: `${miner.memoryMb}Mi`, [miner.gpuResource ?? gpuResource]: '1' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace: miningNamespace,
      labels: { ...minerLabels(providerId), [labels.managedBy]: managedBy },
    },
    spec: {
      replicas: miners,
      revisionHistoryLimit: 0,
      // Every GPU already has a miner, so the new one can only start after the old one has gone.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: '100%' } },
      selector: { matchLabels: { [labels.mining]: 'true', [labels.providerId]: providerId } },
      template: {
        metadata: {
          labels: { ...minerLabels(providerId), [labels.managedBy]: managedBy },
          annotations: { 'worldland.io/environment-version': secretVersion },
        },
        spec: {
          terminationGracePeriodSeconds: terminationGraceS,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          priorityClassName: priorityClasses.mining,
          ...(settings.runtimeClassName === undefined ? {} : { runtimeClassName: settings.runtimeClassName }),
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: labels.placement, operator: 'In', values: [providerId] }] },
                ],
              },
            },
          },
          // The maintenance taint is not tolerated: a machine under maintenance gets no miners.
          tolerations: [{ key: taints.dedicated, operator: 'Exists', effect: 'NoSchedule' }],
          containers: [
            {
              name: 'miner',
              image: miner.image,
              // Kubernetes expands $(NAME); a doubled $ stands for itself.
              args: miner.args.map((arg) => arg.replaceAll('$', '$$$$')),
              ports: (['TCP', 'UDP'] as const).map((protocol) => ({
                name: `p2p-${protocol.toLowerCase()}`,
                containerPort: miningP2pPort,
                protocol,
              })),
              env: Object.keys(miner.env).map((variable) => ({
                name: variable,
                valueFrom: { secretKeyRef: { name, key: variable } },
              })),
              resources: {
                // Requests little, so that miners' files take no space from jobs: on a full disk, miners are evicted
                // first.
                requests: { ...sizes, 'ephemeral-storage': '1Gi' },
                limits: { ...sizes, 'ephemeral-storage': `${settings.storageGb}Gi` },
              },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: [{ name: dataVolume, mountPath: miner.dataDir }],
            },
          ],
          volumes: [{ name: dataVolume, emptyDir: { sizeLimit: `${settings.storageGb}Gi` } }],
        },
      },
    },
  };
}
