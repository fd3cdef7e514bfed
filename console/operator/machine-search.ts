import type { AdminProvider } from '../../src/client/types.generated.js';

type Searched = Pick<AdminProvider, 'provider_id' | 'wallet_addr' | 'region' | 'node_name' | 'capacity'>;

/** Whether every word that was typed is somewhere in what a provider is called. */
export function matchesSearch(
  { provider_id: id, wallet_addr: wallet, region, node_name: node, capacity }: Searched,
  search: string,
): boolean {
  const text = [id, wallet, region ?? '', node ?? '', ...Object.keys(capacity.total_gpus)].join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
