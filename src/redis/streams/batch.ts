import type { Redis } from 'ioredis';
import { maxDataBytes } from './entry.js';
import type { Reader } from './group.js';
import { readScript } from './scripts.js';
import type { StreamEntry } from '../../wire/stream-entry.js';

/** The limits of one batch: a number of entries and a total size. */
export interface BatchLimits {
  entries: number;
  bytes: number;
}

/**
 * The maximum size of a batch. Each of the three streams has two batches in memory, the one in progress and the one
 * read ahead; all together they stay well within the relay's heap.
 */
export const maxBatchBytes = 8 * 2 ** 20;
/**
 * The maximum size of an entry, above that of any accepted one. Of a larger entry, only the beginning of its data
 * leaves Redis, enough to recognize that it is too large.
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
 * Reads new entries of the group. Anyone can write to the stream, as much at once as Redis accepts, so the size is
 * bounded inside Redis: the rest stays there.
 */
export async function readNew(redis: Redis, reader: Reader, limits: BatchLimits): Promise<StreamEntry[]> {
  return (await read(redis, reader, '>', limits)) as StreamEntry[];
}

/**
 * Reads this consumer's unacknowledged entries after an id. Trimmed entries come without fields. Returns fewer entries
 * if they are too large together, but at least one.
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

/** Waits up to `blockMs` for a new entry and reads that one alone. */
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

/** The approximate size of entries: a character is up to three bytes, and takes one or two in memory. */
export function weightOf(entries: readonly StreamEntry[]): number {
  return entries.reduce((sum, [, fields]) => fields.reduce((total, text) => total + text.length, sum), 0);
}
