import type { V1Node, V1Taint } from '@kubernetes/client-node';
import { gpuModelLabel } from '../domain/gpu.js';
import { mergePatch, statusOf, unlessNotFound, type Kubernetes } from './client.js';
import { cordonedValue, labels, operatorLabels, taints } from './names.js';
import type { ProviderStatus } from '../wire/statuses.js';

/** The marks that the broker sets on a provider's node. */
export interface NodeMarks {
  providerId: string;
  /** The id of the broker's installation. */
  installation: string;
  gpuModel?: string;
  status: ProviderStatus;
  /** Closed to new jobs by order. Jobs that already have GPUs there may still start. */
  cordoned?: boolean;
}

/** The provider that the broker assigned a node to; undefined for a node it never marked. */
export function nodeOwner(node: V1Node): string | undefined {
  return node.metadata?.labels?.[labels.placement];
}

/** What distinguishes a provider's own node from another one with the same name. */
export interface OwnNode {
  providerId: string;
  /** 0 for a node that joined under 0.1.0, whose name other machines may have too. */
  generation: number;
  /** The uid when last seen. */
  nodeUid?: string;
  /** True if its provider was given a certificate for the name. */
  certified: boolean;
}

/**
 * Whether a node found by a provider's name is that provider's own: the same node that was seen before, or one created
 * with the certificate that only this provider received for a name chosen by the broker. An operator's node never is,
 * whatever else it shows.
 */
export function isOwnNode(node: V1Node, { providerId, generation, nodeUid, certified }: OwnNode): boolean {
  const owner = nodeOwner(node);
  if (isOperators(node) || (owner !== undefined && owner !== providerId)) return false;
  return (nodeUid !== undefined && node.metadata?.uid === nodeUid) || (generation > 0 && certified);
}

/** A control-plane node, or one that an operator labelled as his: the broker leaves it alone. */
export function isOperators({ metadata }: V1Node): boolean {
  return operatorLabels.some((label) => metadata?.labels?.[label] !== undefined);
}

/** Taints that the control plane sets for conditions which a customer may have caused or an operator ordered. */
const hindering: ReadonlySet<string> = new Set([
  taints.maintenance,
  ...['memory-pressure', 'disk-pressure', 'pid-pressure', 'not-ready', 'unreachable', 'unschedulable'].map(
    (name) => `node.kubernetes.io/${name}`,
  ),
]);

/**
 * Whether a node shows a condition that may keep pods from starting although the machine is healthy: a customer can
 * fill its disk or use up its bandwidth, and an operator can close it. A kubelet reports pressure for minutes after it
 * is over.
 */
export function isHindered({ spec, status }: V1Node): boolean {
  const isReady = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  const hasPressure = status?.conditions?.some(({ type, status: is }) => type.endsWith('Pressure') && is === 'True');
  return !isReady || hasPressure === true || (spec?.taints?.some(({ key }) => hindering.has(key)) ?? false);
}

/**
 * Labels and taints a node as a provider's. Every kind of patch replaces the whole list of taints, so it is read,
 * changed and written under the `resourceVersion` it was read with.
 */
export async function markNode({ core }: Kubernetes, node: V1Node, marks: NodeMarks): Promise<V1Node> {
  let current: V1Node | undefined = node;
  for (let attempt = 0; current !== undefined; attempt++) {
    const wanted = wantedMarks(current, marks);
    if (wanted === undefined) return current;
    try {
      return await core.patchNode({ name: current.metadata!.name!, body: wanted }, mergePatch);
    } catch (error) {
      if (statusOf(error)?.reason !== 'Conflict' || attempt >= 5) throw error;
      current = await unlessNotFound(core.readNode({ name: current.metadata!.name! }));
    }
  }
  return node;
}

/** The merge patch that gives a node its marks; undefined when it has them. */
export function wantedMarks(node: V1Node, marks: NodeMarks): object | undefined {
  const gpuModel = marks.gpuModel === undefined ? '' : gpuModelLabel(marks.gpuModel);
  const wantedLabels: Record<string, string> = {
    [labels.placement]: marks.providerId,
    [labels.providerId]: marks.providerId,
    [labels.installation]: marks.installation,
    [labels.rentalType]: 'gpu',
    [labels.blockchainProvider]: 'true',
    // Existing tools use these three.
    [labels.rentalStatus]: marks.status === 'available' || marks.status === 'busy' ? marks.status : 'offline',
    ...(gpuModel === '' ? {} : { [labels.gpuModel]: gpuModel }),
  };
  const has = node.metadata?.labels ?? {};
  const wantedTaints = withTaints(node.spec?.taints ?? [], marks);
  const labelsDiffer = Object.entries(wantedLabels).some(([name, value]) => has[name] !== value);
  if (!labelsDiffer && sameTaints(node.spec?.taints ?? [], wantedTaints)) return undefined;
  return {
    metadata: { resourceVersion: node.metadata?.resourceVersion, labels: wantedLabels },
    spec: { taints: wantedTaints },
  };
}

/** Other parties' taints unchanged, and the broker's own as the marks require. */
function withTaints(existing: readonly V1Taint[], marks: NodeMarks): V1Taint[] {
  const others = existing.filter(({ key }) => key !== taints.dedicated && key !== taints.maintenance);
  const ours: V1Taint[] = [{ key: taints.dedicated, value: 'true', effect: 'NoSchedule' }];
  const maintenance = marks.status === 'offline' ? 'offline' : marks.cordoned === true ? cordonedValue : undefined;
  if (maintenance !== undefined) ours.push({ key: taints.maintenance, value: maintenance, effect: 'NoSchedule' });
  return [...others, ...ours];
}

function sameTaints(a: readonly V1Taint[], b: readonly V1Taint[]): boolean {
  const text = (list: readonly V1Taint[]) =>
    list
      .map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`)
      .sort()
      .join();
  return text(a) === text(b);
}

/** How many pods of a node are neither jobs nor miners; jobs preempt miners. */
export async function countSystemPods({ core }: Kubernetes, nodeName: string): Promise<number> {
  const { items } = await core.listPodForAllNamespaces({
    fieldSelector: `spec.nodeName=${nodeName},status.phase!=Succeeded,status.phase!=Failed`,
    labelSelector: `${labels.gpuRental}!=true,${labels.mining}!=true`,
    // From the API server's cache: slightly old data is new enough.
    resourceVersion: '0',
  });
  return items.length;
}

/** True while a node's kubelet answers; false for a missing node and for a pod that was never scheduled. */
export async function nodeAnswers({ core }: Kubernetes, nodeName: string | undefined): Promise<boolean> {
  if (nodeName === undefined) return false;
  const node = await unlessNotFound(core.readNode({ name: nodeName }));
  return node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/**
 * Keeps jobs off a node marked for a provider that does not exist (any more). The taint is removed when the node is
 * marked again. The node itself may belong to somebody, so it is never deleted.
 *
 * @returns false when it was already kept free.
 */
export async function keepFree({ core }: Kubernetes, node: V1Node): Promise<boolean> {
  if (isOperators(node)) return false;
  const existing = node.spec?.taints ?? [];
  if (existing.some(({ key, value }) => key === taints.maintenance && value === 'unowned')) return false;
  const others = existing.filter(({ key }) => key !== taints.maintenance);
  const body = {
    metadata: { resourceVersion: node.metadata?.resourceVersion },
    spec: { taints: [...others, { key: taints.maintenance, value: 'unowned', effect: 'NoSchedule' }] },
  };
  return (await unlessNotFound(core.patchNode({ name: node.metadata!.name!, body }, mergePatch))) !== undefined;
}
