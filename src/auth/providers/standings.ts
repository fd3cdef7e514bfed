import { providerStandings, type ProviderStanding } from '../../db/provider-identities.js';
import type { Queryable } from '../../db/pool.js';

/** More ids in one question gain nothing. */
const idsAtOnce = 500;

/**
 * Asks what is known about providers, one question for all who want to know at the same moment: heartbeats are read by
 * the hundred. Nothing is kept, so that a key that was replaced is refused by the next message.
 */
export function createStandings(pool: Queryable): (providerId: string) => Promise<ProviderStanding> {
  let next: { ids: Set<string>; answer: Promise<Map<string, ProviderStanding>> } | undefined;

  return async (providerId) => {
    if (next === undefined || next.ids.size >= idsAtOnce) {
      const ids = new Set<string>();
      const answer = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        if (next?.ids === ids) next = undefined;
        return providerStandings(pool, [...ids]);
      });
      next = { ids, answer };
    }
    const { ids, answer } = next;
    ids.add(providerId);
    return (await answer).get(providerId)!;
  };
}
