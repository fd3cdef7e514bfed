import type { Redis } from 'ioredis';
import { idleConsumersScript, trimScript } from './scripts.js';
import { reportForeign } from '../foreign.js';
import { brokerGroup, trimmedCounter } from '../../wire/streams.js';

/** A consumer of a stream. `key` is the stream's own name, or its new name after it was moved. */
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

/** A consumer group's commands, each with a uniform result. */
function scripted(redis: Redis): Redis & Scripts {
  if (!('wlTrimAcknowledged' in redis)) {
    redis.defineCommand('wlTrimAcknowledged', { numberOfKeys: 2, lua: trimScript });
    redis.defineCommand('wlRemoveConsumers', { numberOfKeys: 1, lua: idleConsumersScript });
  }
  return redis as Redis & Scripts;
}

/** Creates the stream and the group if they do not exist. @returns true when this call created the group. */
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
  /** How often it was delivered. */
  deliveries: number;
}

/** This consumer's unacknowledged entries after an id, without reading them, so it does not count as a delivery. */
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
 * Claims everything delivered at least `minIdleMs` ago and not acknowledged. The consumer reads it with its own pending
 * entries, so only the owner changes here. Trimmed entries drop out.
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

/** The driver builds one command text from all ids; this many make a quarter of a megabyte. */
const idsAtOnce = 10_000;

export async function acknowledge(redis: Redis, key: string, group: string, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += idsAtOnce) await redis.xack(key, group, ...ids.slice(at, at + idsAtOnce));
}

/**
 * Resets the delivery count of entries whose deliveries failed only because a system was away or their time had not
 * come.
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
 * Removes what every group has acknowledged, and everything older than `retentionMs` even if unread, because senders
 * never trim. The removals are counted beside the stream, so that removals by others stand out.
 *
 * @param exactly trims to the entry; otherwise in whole blocks of some hundred, which is far cheaper.
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

/** Removes other consumers that disappeared long ago. One with pending entries stays until they are claimed. */
export async function removeIdleConsumers(
  redis: Redis,
  { key, group, consumer }: Reader,
  idleMs: number,
): Promise<void> {
  await scripted(redis).wlRemoveConsumers(key, group, idleMs, consumer, 'except');
}

/** Removes a stopped consumer unless it has pending entries. */
export async function removeConsumer(redis: Redis, { key, group, consumer }: Reader): Promise<void> {
  await scripted(redis).wlRemoveConsumers(key, group, 0, consumer, 'only');
}

/** `lag` is undefined when Redis cannot compute it, for example after an entry in the middle was deleted. */
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
