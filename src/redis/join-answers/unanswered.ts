import type { Redis } from 'ioredis';
import { responseStream } from '../../wire/streams.js';

/** Far longer than any agent waits for an answer. */
const unansweredS = 7 * 86_400;
const keysAtOnce = 1_000;
const scansAtOnce = 20;

/**
 * Sets an expiry on response streams that agents created while waiting and that never got an answer; an answer sets its
 * own. Checks part of the keys; the next call continues at `next`.
 *
 * @returns how many streams were given an expiry.
 */
export async function expireUnanswered(redis: Redis, cursor: string): Promise<{ expiring: number; next: string }> {
  let expiring = 0;
  let next = cursor;
  for (let scans = 0; scans < scansAtOnce; scans++) {
    const [after, keys] = await redis.scan(next, 'MATCH', responseStream('*'), 'COUNT', keysAtOnce);
    next = after;
    const marks = await Promise.all(keys.map((key) => redis.expire(key, unansweredS, 'NX')));
    expiring += marks.filter((mark) => mark === 1).length;
    if (next === '0') break;
  }
  return { expiring, next };
}
