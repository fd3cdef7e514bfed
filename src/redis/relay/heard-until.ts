import type { Redis } from 'ioredis';
import { arrivalMs } from '../streams/entry.js';
import { brokerGroup, streams } from '../stream-names.js';

/** An older beat is no sign of life any more, so what was read and not settled for longer says nothing about anybody. */
const maxPendingMs = 600_000;

/**
 * Up to when the relays have read what providers sent as signs of life: silence after that is not silence but ours.
 * Now, when nothing lies unread; undefined while it cannot be known, because Redis is away or nobody reads.
 */
export async function heardUntil(redis: Redis): Promise<Date | undefined> {
  const stream = streams.heartbeat;
  let known: { last: string; group: string | undefined };
  try {
    known = await readState(redis, stream);
  } catch (error) {
    // Nobody has sent anything, or everything was flushed: there is nothing that could lie unread.
    if (error instanceof Error && error.message.includes('no such key')) return new Date();
    return undefined;
  }
  if (known.group === undefined) return undefined;
  const read = compareIds(known.group, known.last) < 0 ? arrivalMs(known.group) : Date.now();
  return new Date(Math.min(read, await settledUntil(redis, stream), Date.now()));
}

/** The last id of the stream, and the last one that was given to a relay. */
async function readState(redis: Redis, stream: string): Promise<{ last: string; group: string | undefined }> {
  const info = pairs((await redis.xinfo('STREAM', stream)) as unknown[]);
  const groups = ((await redis.xinfo('GROUPS', stream)) as unknown[][]).map(pairs);
  const group = groups.find((each) => each.get('name') === brokerGroup);
  return { last: String(info.get('last-generated-id')), group: group && String(group.get('last-delivered-id')) };
}

/** What a relay was given and has not settled yet may be a sign of life, too. */
async function settledUntil(redis: Redis, stream: string): Promise<number> {
  const longAgo = Date.now() - maxPendingMs;
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

function compareIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
}
