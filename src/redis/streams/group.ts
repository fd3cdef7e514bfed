import type { Redis } from 'ioredis';
import { idleConsumersScript, trimScript } from './scripts.js';
import { reportForeign } from '../foreign.js';
import { brokerGroup, trimmedCounter } from '../../wire/streams.js';

/** Who reads which stream. `key` is the stream's own name, or what it was renamed to. */
export interface Reader {
  key: string;
  group: string;
  consumer: string;
}

interface Scripts {
  wlTrimAcknowledged(
    key: string,
    counter: string,
    floorMs: number,
    mode: string,
    group: string,
  ): Promise<[removed: number, foreign: number]>;
  wlRemoveConsumers(
    key: string,
    group: string,
    idleMs: number,
    consumer: string,
    which: 'only' | 'except',
  ): Promise<number>;
}

/** The commands of a consumer group, with replies in one shape each. */
function scripted(redis: Redis): Redis & Scripts {
  if (!('wlTrimAcknowledged' in redis)) {
    redis.defineCommand('wlTrimAcknowledged', { numberOfKeys: 2, lua: trimScript });
    redis.defineCommand('wlRemoveConsumers', { numberOfKeys: 1, lua: idleConsumersScript });
  }
  return redis as Redis & Scripts;
}

/** Makes the stream and the group where they are not there yet. @returns true when this call made the group. */
export async function createGroup(
  redis: Redis,
  { key, group }: Pick<Reader, 'key' | 'group'>,
  startAt: '0' | '$',
): Promise<boolean> {
  try {
    await redis.xgroup('CREATE', key, group, startAt, 'MKSTREAM');
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('BUSYGROUP')) return false;
    throw error;
  }
}

export interface PendingEntry {
  id: string;
  /** How often it was given to somebody. */
  deliveries: number;
}

/** What this consumer has not acknowledged, after an id, without reading it: that does not count as a delivery. */
export async function listPending(
  redis: Redis,
  { key, group, consumer }: Reader,
  after: string,
  count: number,
): Promise<PendingEntry[]> {
  const rows = (await redis.xpending(key, group, `(${after}`, '+', count, consumer)) as [
    string,
    string,
    number,
    number,
  ][];
  return rows.map(([id, , , deliveries]) => ({ id, deliveries }));
}

/**
 * Takes over everything that was given to anybody at least `minIdleMs` ago and not acknowledged. It is then read with
 * the consumer's own pending entries, so nothing but its owner changes here. Entries that were trimmed drop out.
 */
export async function claimAbandoned(
  redis: Redis,
  { key, group, consumer }: Reader,
  minIdleMs: number,
): Promise<{ claimed: number; trimmed: number }> {
  let claimed = 0;
  let trimmed = 0;
  let cursor = '0-0';
  do {
    const [next, ids, gone] = (await redis.xautoclaim(
      key,
      group,
      consumer,
      minIdleMs,
      cursor,
      'COUNT',
      1_000,
      'JUSTID',
    )) as [string, string[], string[]?];
    claimed += ids.length;
    trimmed += gone?.length ?? 0;
    cursor = next;
  } while (cursor !== '0-0');
  return { claimed, trimmed };
}

/** The driver builds one command text from all ids; so many at once is a text of a quarter megabyte. */
const idsAtOnce = 10_000;

export async function acknowledge(redis: Redis, key: string, group: string, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += idsAtOnce) await redis.xack(key, group, ...ids.slice(at, at + idsAtOnce));
}

/**
 * Deliveries that came to nothing because some system was away, or because an entry's time had not come, are not held
 * against it: it counts as delivered so often.
 */
export async function forgetDeliveries(
  redis: Redis,
  { key, group, consumer }: Reader,
  ids: readonly string[],
  deliveries = 0,
): Promise<void> {
  for (let at = 0; at < ids.length; at += idsAtOnce) {
    await redis.xclaim(key, group, consumer, 0, ...ids.slice(at, at + idsAtOnce), 'RETRYCOUNT', deliveries, 'JUSTID');
  }
}

/**
 * Removes what every group has acknowledged, and what is older than `retentionMs` whether or not anybody read it:
 * senders never trim. What this removes is counted beside the stream, so that removals by others stand out.
 *
 * @param exactly to the entry; otherwise in whole blocks of some hundred, which is far cheaper.
 * @returns how many entries.
 */
export async function trimAcknowledged(
  redis: Redis,
  key: string,
  { retentionMs, exactly, now = Date.now() }: { retentionMs: number; exactly: boolean; now?: number },
): Promise<number> {
  const [removed, foreign] = await scripted(redis).wlTrimAcknowledged(
    ...([key, trimmedCounter, Math.max(0, now - retentionMs), exactly ? '=' : '~', brokerGroup] as const),
  );
  if (foreign > 0) reportForeign(redis, 'trimmed', trimmedCounter);
  return removed;
}

/** Removes other consumers that went away long ago. One that has anything pending stays until that is claimed. */
export async function removeIdleConsumers(
  redis: Redis,
  { key, group, consumer }: Reader,
  idleMs: number,
): Promise<void> {
  await scripted(redis).wlRemoveConsumers(key, group, idleMs, consumer, 'except');
}

/** Removes one consumer that is done, unless it has anything pending. */
export async function removeConsumer(redis: Redis, { key, group, consumer }: Reader): Promise<void> {
  await scripted(redis).wlRemoveConsumers(key, group, 0, consumer, 'only');
}

/** `lag` is undefined where Redis cannot tell it, as after an entry in the middle was deleted. */
export async function groupFigures(
  redis: Redis,
  { key, group }: Pick<Reader, 'key' | 'group'>,
): Promise<{ lag?: number; pending: number; oldestPending?: string }> {
  const groups = (await redis.xinfo('GROUPS', key)) as unknown[][];
  const figures = groups.map(byName).find(({ name }) => name === group);
  const [pending, oldest] = (await redis.xpending(key, group)) as [number, string | null];
  const lag = figures?.['lag'];
  return {
    ...(typeof lag === 'number' ? { lag } : {}),
    pending,
    ...(oldest === null ? {} : { oldestPending: oldest }),
  };
}

function byName(list: unknown[]): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (let at = 0; at < list.length; at += 2) named[String(list[at])] = list[at + 1];
  return named;
}
