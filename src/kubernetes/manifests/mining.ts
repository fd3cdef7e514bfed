import type { V1Deployment, V1Namespace, V1NetworkPolicy, V1ResourceQuota, V1Secret } from '@kubernetes/client-node';
import { minersName, miningP2pPort, type Miner } from '../../domain/mining.js';
import { gpuResource, labels, managedBy, miningNamespace, priorityClasses, taints } from '../names.js';
import { clusterDns, publicInternet } from './egress.js';

/** What decides a provider's miners besides their configuration. */
export interface MinerManifestSettings {
  /** What a miner may write before Kubernetes ends it. */
  storageGb: number;
  runtimeClassName?: string;
}

const dataVolume = 'data';
/** Long enough to close a connection; what a miner has written is thrown away with its pod. A job waits this long. */
const terminationGraceS = 2;

/** The namespace of all miners, as strict as a tenant's. Older brokers left one without enforcement: it is taken over. */
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

/** The port of the mining network in, DNS and the public internet out. Enforced only where the network plugin does so. */
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

/** Nothing of a miner outlives its pod or is reached by a port of the nodes. */
export function miningResourceQuota(): V1ResourceQuota {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'mining', namespace: miningNamespace, labels: { [labels.managedBy]: managedBy } },
    spec: { hard: { services: '0', persistentvolumeclaims: '0' } },
  };
}

/** Nothing runs among the miners that would not give way to a job. */
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

/** Labels of a provider's miners, and what selects them. */
function minerLabels(providerId: string): Record<string, string> {
  return {
    [labels.mining]: 'true',
    [labels.providerId]: providerId,
    // The field's tools select by the bare names.
    app: 'worldland-mining',
    'provider-id': providerId,
  };
}

/** The environment of a provider's miners, read by the pods from here so that no value stands in their text. */
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
 * A provider's miners: as many pods of one GPU as it has GPUs to mine on, whoever rents them. Those that find none free
 * wait for the scheduler, which also takes GPUs from them for jobs; a miner that crashes is started again by the kubelet,
 * later each time. Placed like jobs by the label that only the broker sets, and locked up more tightly: with no
 * capability, no directory and no network of the machine.
 *
 * @param secretVersion of the Secret as it stands: with another environment the miners are made anew.
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
      // Every GPU has a miner already: the new one can only come after the old one went.
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
          // Not the maintenance taint: a machine that is being worked on gets no miners.
          tolerations: [{ key: taints.dedicated, operator: 'Exists', effect: 'NoSchedule' }],
          containers: [
            {
              name: 'miner',
              image: miner.image,
              // Kubernetes puts variables in for $(NAME); a doubled $ stands for itself.
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
                // Little is asked for, so that what is written takes no place from jobs: on a full disk miners go first.
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
