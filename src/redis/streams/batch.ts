import type { Redis } from 'ioredis';
import { maxDataBytes, type StreamEntry } from './entry.js';
import type { Reader } from './group.js';
import { readScript } from './scripts.js';

/** What is read together: so many entries, or fewer that weigh so much. */
export interface BatchLimits {
  entries: number;
  bytes: number;
}

/**
 * What one batch may weigh. Each of three streams has two of them in memory at a time, the one under way and the one
 * read ahead, so that all together stay well within the relay's heap.
 */
export const maxBatchBytes = 8 * 2 ** 20;
/**
 * What one entry may weigh: more than any that is accepted. Of a larger one only the beginning of its data leaves Redis,
 * enough to see that it is too large.
 */
const maxEntryBytes = 2 * maxDataBytes;

interface Scripts {
  wlReadBatch(
    key: string,
    group: string,
    consumer: string,
    after: string,
    entries: number,
    bytes: number,
    maxEntryBytes: number,
    keptBytes: number,
  ): Promise<[id: string, fields: string[] | null][]>;
}

function scripted(redis: Redis): Scripts {
  if (!('wlReadBatch' in redis)) redis.defineCommand('wlReadBatch', { numberOfKeys: 1, lua: readScript });
  return redis as unknown as Scripts;
}

/**
 * Entries that nobody of the group was given yet. Anybody may write to the stream, as much at a time as Redis takes, so
 * the weight is bounded where it lies: what does not fit stays there.
 */
export async function readNew(redis: Redis, reader: Reader, limits: BatchLimits): Promise<StreamEntry[]> {
  return (await read(redis, reader, '>', limits)) as StreamEntry[];
}

/**
 * Entries this consumer was given and has not acknowledged, after an id. Without fields: the entry was trimmed. Fewer
 * than there are when they weigh too much together, and at least one.
 */
export async function readPending(
  redis: Redis,
  reader: Reader,
  after: string,
  limits: BatchLimits,
): Promise<[id: string, fields: string[] | null][]> {
  return await read(redis, reader, after, limits);
}

async function read(redis: Redis, { key, group, consumer }: Reader, after: string, { entries, bytes }: BatchLimits) {
  return await scripted(redis).wlReadBatch(
    ...([key, group, consumer, after, entries, bytes, maxEntryBytes, maxDataBytes + 1] as const),
  );
}

/** Waits up to `blockMs` for an entry that nobody was given yet, and takes that one alone. */
export async function awaitNew(
  redis: Redis,
  { key, group, consumer }: Reader,
  blockMs: number,
): Promise<StreamEntry | undefined> {
  const result = (await redis.xreadgroup(
    ...(['GROUP', group, consumer, 'COUNT', 1, 'BLOCK', blockMs, 'STREAMS', key, '>'] as const),
  )) as [string, StreamEntry[]][] | null;
  return result?.[0]?.[1][0];
}

/** What entries weigh, roughly: a character may be up to three bytes, and takes up one or two in memory. */
export function weightOf(entries: readonly StreamEntry[]): number {
  return entries.reduce((sum, [, fields]) => fields.reduce((total, text) => total + text.length, sum), 0);
}
