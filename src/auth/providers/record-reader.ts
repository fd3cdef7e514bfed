import { providerRecords, type ProviderRecord } from '../../db/provider-identities.js';
import type { Queryable } from '../../db/pool.js';

/** Larger queries gain nothing. */
const idsAtOnce = 500;

/**
 * Looks up what is known about providers, with one query for all concurrent lookups, since heartbeats arrive by the
 * hundred. Nothing is cached, so a replaced key is rejected with its next message.
 */
export function createRecordReader(pool: Queryable): (providerId: string) => Promise<ProviderRecord> {
  let next: { ids: Set<string>; answer: Promise<Map<string, ProviderRecord>> } | undefined;

  return async (providerId) => {
    if (next === undefined || next.ids.size >= idsAtOnce) {
      const ids = new Set<string>();
      const answer = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        if (next?.ids === ids) next = undefined;
        return providerRecords(pool, [...ids]);
      });
      next = { ids, answer };
    }
    const { ids, answer } = next;
    ids.add(providerId);
    return (await answer).get(providerId)!;
  };
}
