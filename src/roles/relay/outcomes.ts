import type { DeadLetter } from '../../redis/streams/dead-letters.js';
import type { Settlement } from '../../redis/streams/delivery.js';
import type { StreamEntry } from '../../redis/streams/entry.js';

/** What became of one entry: it had its effect, it never can, or it is to be given once more. */
export type Outcome = 'done' | 'later' | Omit<DeadLetter, 'entry'>;

/** Gives each entry of a batch its effect, all at the same time. */
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
        settlement.failed.push({ entry, error });
      }
    }),
  );
  return settlement;
}
