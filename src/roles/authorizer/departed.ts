import { setTimeout as sleep } from 'node:timers/promises';
import { whichHaveLeft } from '../../db/provider-nodes.js';
import type { Queryable } from '../../db/pool.js';

/** Well within the time that the API server allows; after that it would ask again and again. */
const lookupMs = 1_000;
/** Names are short, and a rejected machine often asks often. */
const maxRemembered = 10_000;

/** Whether one of these nodes has left the fleet; undefined when the database does not answer in time. */
export type HaveLeft = (nodeNames: readonly string[]) => Promise<boolean | undefined>;

/** A name that has left never comes back, so a positive result stays known even while the database is away. */
export function createHaveLeft(db: Queryable): HaveLeft {
  const remembered = new Set<string>();
  return async (nodeNames) => {
    if (nodeNames.some((name) => remembered.has(name))) return true;
    const left = await orUndefined(whichHaveLeft(db, nodeNames), lookupMs);
    if (left === undefined) return undefined;
    for (const name of left) {
      if (remembered.size >= maxRemembered) remembered.clear();
      remembered.add(name);
    }
    return left.length > 0;
  };
}

async function orUndefined<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const inTime = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: inTime.signal }).catch(() => undefined);
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    inTime.abort();
  }
}
