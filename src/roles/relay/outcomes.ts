import { ChainAway } from '../../domain/provider-verdict.js';
import type { DeadLetter } from '../../redis/streams/dead-letters.js';
import type { Settlement } from '../../redis/streams/delivery.js';
import type { StreamEntry } from '../../wire/stream-entry.js';

/** An entry's outcome: it took effect, it never can (a dead letter), or it must be delivered again later. */
export type Outcome = 'done' | 'later' | Omit<DeadLetter, 'entry'>;

/** Applies all entries of a batch concurrently. */
export async function settleEach(
  entries: StreamEntry[],
  effect: (entry: StreamEntry) => Promise<Outcome>,
): Promise<Settlement> {
  const settlement = { done: [], dead: [], failed: [], later: [] } as Required<Settlement>;
  await Promise.all(
    entries.map(async (entry) => {
      try {
        const outcome = await effect(entry);
        if (outcome === 'done') settlement.done.push(entry[0]);
        else if (outcome === 'later') settlement.later.push(entry[0]);
        else settlement.dead.push({ entry, ...outcome });
      } catch (error) {
        // The chain holds up only those who need it.
        if (error instanceof ChainAway) settlement.later.push(entry[0]);
        else settlement.failed.push({ entry, error });
      }
    }),
  );
  return settlement;
}
