import type { Redis } from 'ioredis';
import { responseStream } from '../../wire/streams.js';

/** Far longer than anybody waits for an answer. */
const unansweredS = 7 * 86_400;
const keysAtOnce = 1_000;
const scansAtOnce = 20;

/**
 * Lets streams of answers expire that agents made to wait at, and where no answer has come: an answer brings its own end.
 * Looks at a part of the keys; the next call begins at `next`.
 *
 * @returns how many of them will expire now.
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
