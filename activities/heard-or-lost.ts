import type { Redis } from 'ioredis';
import type { Queryable } from '../src/db/pool.js';
import { hasLostOfLate } from '../src/db/stream-losses.js';
import { heardUntil, type Hearing } from '../src/redis/streams/heard-until.js';
import { streams } from '../src/wire/streams.js';

/**
 * Until when a missing heartbeat means that the provider is silent, according to `heardUntil`. Also undefined if unread
 * messages were recently removed from the stream: until every provider has had time to send again, silence proves
 * nothing.
 *
 * @param timeoutS the silence after which a provider counts as gone.
 */
export async function heardOrLost(
  { redis, pool }: { redis: Redis; pool: Queryable },
  timeoutS: number,
): Promise<Hearing | undefined> {
  return (await hasLostOfLate(pool, streams.heartbeat, timeoutS)) ? undefined : await heardUntil(redis);
}
