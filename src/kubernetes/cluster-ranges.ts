import type { V1Node } from '@kubernetes/client-node';
import type { Config } from '../config.js';
import { canonicalRange } from '../ip-range.js';
import { asDependencyError, statusOf, type Kubernetes } from './client.js';

/** More than any machine has; a node's provider controls what the node reports. */
const maxAddresses = 32;

/** The Service range of each cluster, asked once: it changes only when a cluster is recreated. */
const serviceRanges = new WeakMap<Kubernetes, Promise<string[]>>();

/**
 * The cluster's own ranges, which tenants must not reach: its Services, its API server and the ranges that the operator
 * names. If nodes or pods have public addresses, only the operator knows their ranges.
 */
export async function clusterRanges(
  kubernetes: Kubernetes,
  config: Pick<Config, 'MASTER_PUBLIC_IP' | 'TENANT_CLOSED_CIDRS'>,
): Promise<string[]> {
  const server = new URL(kubernetes.config.getCurrentCluster()?.server ?? 'https://kubernetes.default').hostname;
  const apiServer = [config.MASTER_PUBLIC_IP ?? '', server.replace(/^\[|\]$/g, '')];
  return [...canonical([...apiServer, ...(await servicesOf(kubernetes))]), ...config.TENANT_CLOSED_CIDRS];
}

/** A node's own addresses and those of its pods: a pod reaches its machine from inside, behind its outer firewall. */
export function nodeRanges({ status, spec }: V1Node): string[] {
  const addresses = (status?.addresses ?? []).map(({ address }) => address);
  return canonical([...addresses.slice(0, maxAddresses), ...(spec?.podCIDRs ?? [])]);
}

/** The texts that are addresses or ranges; the others are names, which a policy cannot close. */
function canonical(texts: readonly string[]): string[] {
  return texts.map((text) => canonicalRange(String(text))).filter((range) => range !== undefined);
}

function servicesOf(kubernetes: Kubernetes): Promise<string[]> {
  const known = serviceRanges.get(kubernetes);
  if (known !== undefined) return known;
  const asked = readServiceRanges(kubernetes);
  serviceRanges.set(kubernetes, asked);
  asked.catch(() => serviceRanges.delete(kubernetes));
  return asked;
}

async function readServiceRanges({ networking }: Kubernetes): Promise<string[]> {
  try {
    const { items } = await networking.listServiceCIDR();
    return items.flatMap(({ spec }) => spec?.cidrs ?? []);
  } catch (error) {
    // Clusters before 1.33 do not tell, and an operator may not have granted the right to ask.
    const code = statusOf(error)?.code;
    if (code === 403 || code === 404) return [];
    throw asDependencyError(error);
  }
}
