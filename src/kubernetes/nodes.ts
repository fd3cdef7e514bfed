import type { V1Node, V1Taint } from '@kubernetes/client-node';
import { gpuModelLabel } from '../domain/gpu.js';
import type { ProviderStatus } from '../domain/provider.js';
import { mergePatch, refusalOf, unlessNotFound, type Kubernetes } from './client.js';
import { cordonedValue, labels, operatorLabels, taints } from './names.js';

/** What the broker writes on a provider's node. */
export interface NodeMarks {
  providerId: string;
  /** Of the broker that takes the node. */
  installation: string;
  gpuModel?: string;
  status: ProviderStatus;
  /** No new jobs by order. Those that were given GPUs before still get onto the node. */
  cordoned?: boolean;
}

/** A node belongs to who the broker said it does; undefined for a node the broker never took. */
export function nodeOwner(node: V1Node): string | undefined {
  return node.metadata?.labels?.[labels.placement];
}

/** What tells a provider's own node from any other that is found by its name. */
export interface OwnNode {
  providerId: string;
  /** 0 for one that joined under 0.1.0, whose name others may bear. */
  generation: number;
  /** As it was last seen. */
  nodeUid?: string;
  /** Its provider was given a certificate for the name. */
  certified: boolean;
}

/**
 * Whether a node that was found by a provider's name is that provider's own: the very one that was seen before, or one
 * made with the certificate that nobody but this provider was given for a name that is the broker's. An operator's node
 * is nobody's, whatever else it shows.
 */
export function isOwnNode(node: V1Node, { providerId, generation, nodeUid, certified }: OwnNode): boolean {
  const owner = nodeOwner(node);
  if (isOperators(node) || (owner !== undefined && owner !== providerId)) return false;
  return (nodeUid !== undefined && node.metadata?.uid === nodeUid) || (generation > 0 && certified);
}

/** A node of the control plane, or one that an operator labelled as his: the broker leaves it alone. */
export function isOperators({ metadata }: V1Node): boolean {
  return operatorLabels.some((label) => metadata?.labels?.[label] !== undefined);
}

/** What the control plane writes on a node for what a customer may have done to it, or an operator ordered. */
const hindering: ReadonlySet<string> = new Set([
  taints.maintenance,
  ...['memory-pressure', 'disk-pressure', 'pid-pressure', 'not-ready', 'unreachable', 'unschedulable'].map(
    (name) => `node.kubernetes.io/${name}`,
  ),
]);

/**
 * Whether a node shows something that may keep pods from starting there though the machine is well: a customer can fill its
 * disk or its line, an operator close it. A kubelet goes on showing pressure for minutes after it is over.
 */
export function isHindered({ spec, status }: V1Node): boolean {
  const isReady = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  const hasPressure = status?.conditions?.some(({ type, status: is }) => type.endsWith('Pressure') && is === 'True');
  return !isReady || hasPressure === true || (spec?.taints?.some(({ key }) => hindering.has(key)) ?? false);
}

/**
 * Labels and taints a node as a provider's. Taints are one list that every kind of patch replaces whole, so they are
 * read, changed and written under the `resourceVersion` they were read with.
 */
export async function markNode({ core }: Kubernetes, node: V1Node, marks: NodeMarks): Promise<V1Node> {
  let current: V1Node | undefined = node;
  for (let attempt = 0; current !== undefined; attempt++) {
    const wanted = wantedMarks(current, marks);
    if (wanted === undefined) return current;
    try {
      return await core.patchNode({ name: current.metadata!.name!, body: wanted }, mergePatch);
    } catch (error) {
      if (refusalOf(error)?.reason !== 'Conflict' || attempt >= 5) throw error;
      current = await unlessNotFound(core.readNode({ name: current.metadata!.name! }));
    }
  }
  return node;
}

/** The merge patch that brings a node to its marks; undefined when it has them. */
export function wantedMarks(node: V1Node, marks: NodeMarks): object | undefined {
  const gpuModel = marks.gpuModel === undefined ? '' : gpuModelLabel(marks.gpuModel);
  const wantedLabels: Record<string, string> = {
    [labels.placement]: marks.providerId,
    [labels.providerId]: marks.providerId,
    [labels.installation]: marks.installation,
    [labels.rentalType]: 'gpu',
    [labels.blockchainProvider]: 'true',
    // Tools of the field know these three.
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

/** Everybody else's taints as they are; ours as the marks say. */
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

/** How many pods of a node are neither jobs nor miners, which give way to jobs. */
export async function countSystemPods({ core }: Kubernetes, nodeName: string): Promise<number> {
  const { items } = await core.listPodForAllNamespaces({
    fieldSelector: `spec.nodeName=${nodeName},status.phase!=Succeeded,status.phase!=Failed`,
    labelSelector: `${labels.gpuRental}!=true,${labels.mining}!=true`,
    // From the API server's memory: a moment old is new enough.
    resourceVersion: '0',
  });
  return items.length;
}

/** True while a node's kubelet answers; a node that is gone, and a pod's that was never placed, do not. */
export async function nodeAnswers({ core }: Kubernetes, nodeName: string | undefined): Promise<boolean> {
  if (nodeName === undefined) return false;
  const node = await unlessNotFound(core.readNode({ name: nodeName }));
  return node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/**
 * Keeps jobs off a node that was taken as a provider's that is not there (any more). The taint goes when the node is
 * taken again. The node itself may be somebody's: it is never deleted.
 *
 * @returns false when it was kept free already.
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
