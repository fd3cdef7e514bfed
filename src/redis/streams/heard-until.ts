import type { Redis } from 'ioredis';
import { arrivalMs } from './entry.js';
import { brokerGroup, streams } from '../../wire/streams.js';
import { compareEntryIds } from '../../wire/stream-entry.js';

/** An older heartbeat proves nothing, so entries read but unsettled for longer do not matter. */
const maxPendingMs = 600_000;

/**
 * Both times are by the clock of Redis, which stamps messages: another clock could not tell how far behind the relays
 * are.
 */
export interface Hearing {
  until: Date;
  now: Date;
}

/**
 * The time up to which the relays have read heartbeats. After this time, a missing heartbeat may just be one we have
 * not read yet. It is now when nothing is unread, and undefined when it cannot be known because Redis is away or nobody
 * reads.
 */
export async function heardUntil(redis: Redis): Promise<Hearing | undefined> {
  const stream = streams.heartbeat;
  try {
    const nowMs = await timeOf(redis);
    const known = await readState(redis, stream);
    // Nobody has sent anything, or everything was flushed: nothing can be unread.
    if (known === undefined) return { until: new Date(nowMs), now: new Date(nowMs) };
    if (known.group === undefined) return undefined;
    const behind = compareEntryIds(known.group, known.last);
    // Somebody moved the group past all entries, so it is unknown which were read.
    if (behind > 0) return undefined;
    const read = behind < 0 ? arrivalMs(known.group) : nowMs;
    const settled = await settledUntil(redis, stream, nowMs);
    return { until: new Date(Math.min(read, settled, nowMs)), now: new Date(nowMs) };
  } catch {
    return undefined;
  }
}

async function timeOf(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

/** The last id of the stream, if any, and the last id delivered to a relay. */
async function readState(
  redis: Redis,
  stream: string,
): Promise<{ last: string; group: string | undefined } | undefined> {
  const state = await redis.xinfo('STREAM', stream).catch((error: Error) => {
    if (error.message.includes('no such key')) return undefined;
    throw error;
  });
  if (state === undefined) return undefined;
  const info = pairs(state as unknown[]);
  const groups = ((await redis.xinfo('GROUPS', stream)) as unknown[][]).map(pairs);
  const group = groups.find((each) => each.get('name') === brokerGroup);
  return { last: String(info.get('last-generated-id')), group: group && String(group.get('last-delivered-id')) };
}

/** An entry delivered to a relay but not settled yet may also be a heartbeat. */
async function settledUntil(redis: Redis, stream: string, nowMs: number): Promise<number> {
  const longAgo = nowMs - maxPendingMs;
  try {
    const [, oldest] = (await redis.xpending(stream, brokerGroup)) as [number, string | null];
    return oldest === null ? Infinity : Math.max(arrivalMs(oldest), longAgo);
  } catch {
    return longAgo;
  }
}

function pairs(list: unknown[]): Map<string, unknown> {
  return new Map(Array.from({ length: list.length / 2 }, (_, at) => [String(list[2 * at]), list[2 * at + 1]]));
}
