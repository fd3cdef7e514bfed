import type { Redis } from 'ioredis';
import type { Queryable } from '../src/db/pool.js';
import { hasLostOfLate } from '../src/db/stream-losses.js';
import { heardUntil, type Hearing } from '../src/redis/streams/heard-until.js';
import { streams } from '../src/wire/streams.js';

/**
 * Up to when silence is the provider's own, as `heardUntil` answers it. Undefined as well when unread messages were
 * removed from the stream of late: until everybody has had the time to be heard again, silence proves nothing.
 *
 * @param timeoutS the silence after which a provider counts as gone.
 */
export async function heardOrLost(
  { redis, pool }: { redis: Redis; pool: Queryable },
  timeoutS: number,
): Promise<Hearing | undefined> {
  return (await hasLostOfLate(pool, streams.heartbeat, timeoutS)) ? undefined : await heardUntil(redis);
}
