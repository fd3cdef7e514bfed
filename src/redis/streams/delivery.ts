import type { Redis } from 'ioredis';
import { BrokerError } from '../../domain/errors.js';
import type { Logger } from '../../observability/logger.js';
import { streamMessages } from '../../observability/metrics.js';
import type { DeadLetter, DeadLetters } from './dead-letters.js';
import type { StreamEntry } from './entry.js';
import { acknowledge, forgetDeliveries, type Reader } from './group.js';
import { maxDeliveries, maxFailures } from './suspects.js';

/** What became of the entries of a batch. One that is in none of the lists stays pending and is given again. */
export interface Settlement {
  /** Had their effect, or need none: acknowledged. */
  done: string[];
  /** Can never have one. */
  dead: DeadLetter[];
  /** Their time has not come: given again, however often. */
  later?: string[];
  /** Did not have it this time. */
  failed: { entry: StreamEntry; error: unknown }[];
}

/**
 * Gives entries their effect. `redelivered`: some of it may have taken place before. What it throws counts for every
 * entry of the batch.
 */
export type Receive = (entries: StreamEntry[], redelivered: boolean) => Promise<Settlement>;

export interface DeliveryOptions {
  /** The stream's own name, wherever it stands now. */
  stream: string;
  /** For everything but the reads that wait. */
  commands: Redis;
  deadLetters: DeadLetters;
  logger: Logger;
  receive: Receive;
}

/** A system behind the stream is away: nobody's message is at fault. The cause says which. */
export class Outage extends Error {
  override readonly name = 'Outage';
}

/**
 * Gives entries their effect, and then acknowledges those that had it, or puts aside those that never can.
 *
 * @param deliveries how often the entries were given, this time included.
 * @returns how many were acknowledged.
 * @throws Outage when a system is away. The entries that it hit stay pending, as if they had not been given.
 */
export async function deliver(
  options: DeliveryOptions,
  reader: Reader,
  entries: StreamEntry[],
  deliveries: number,
): Promise<number> {
  if (deliveries > maxDeliveries) {
    await putAside(options, reader, entries, 'delivered_too_often', deliveries);
    return entries.length;
  }
  const { done, dead, failed, later = [] } = await settle(options.receive, entries, deliveries);
  const letters = dead.map((letter) => ({ deliveries, ...letter }));
  await acknowledge(options.commands, reader.key, reader.group, done);
  await bury(options, reader, letters);
  streamMessages.inc({ stream: options.stream, outcome: 'done' }, done.length);
  await forgetDeliveries(options.commands, reader, later, 1);
  if (failed.length > 0) await leave(options, reader, failed, deliveries);
  return done.length + dead.length;
}

/** Entries that were given to somebody and then removed from the stream: there is nothing left to do for them. */
export async function forgetTrimmed(
  { stream, commands, logger }: DeliveryOptions,
  { key, group }: Reader,
  ids: string[],
): Promise<void> {
  if (ids.length === 0) return;
  await acknowledge(commands, key, group, ids);
  streamMessages.inc({ stream, outcome: 'trimmed' }, ids.length);
  logger.warn({ stream, entries: ids.length }, 'messages were removed from the stream before they had an effect');
}

async function settle(receive: Receive, entries: StreamEntry[], deliveries: number): Promise<Settlement> {
  try {
    return await receive(entries, deliveries > 1);
  } catch (error) {
    return { done: [], dead: [], failed: entries.map((entry) => ({ entry, error })) };
  }
}

/** Failed entries stay pending. Those that an outage hit are not counted; the others are, up to an end. */
async function leave(
  options: DeliveryOptions,
  reader: Reader,
  failed: Settlement['failed'],
  deliveries: number,
): Promise<void> {
  const { stream, commands, logger } = options;
  const outages = failed.filter(({ error }) => isOutage(error));
  const failures = failed.filter(({ error }) => !isOutage(error));
  if (failures.length > 0) {
    streamMessages.inc({ stream, outcome: 'failed' }, failures.length);
    const [{ entry, error }] = failures as [Settlement['failed'][number]];
    logger.error({ stream, id: entry[0], entries: failures.length, deliveries, err: error }, 'messages failed');
    const given = failures.map((failure) => failure.entry);
    if (deliveries >= maxFailures) await putAside(options, reader, given, 'failed', deliveries);
  }
  if (outages.length === 0) return;
  const ids = outages.map(({ entry }) => entry[0]);
  // Should Redis be away as well, they count as delivered once more; that does no harm before there are many.
  await forgetDeliveries(commands, reader, ids).catch(() => undefined);
  throw new Outage('a system behind the stream is away', { cause: outages[0]!.error });
}

async function putAside(
  options: DeliveryOptions,
  reader: Reader,
  entries: StreamEntry[],
  reason: string,
  deliveries: number,
): Promise<void> {
  const ids = entries.slice(0, 10).map(([id]) => id);
  options.logger.error({ stream: options.stream, reason, deliveries, ids }, 'messages put aside');
  const letters = entries.map((entry) => ({ entry, reason, deliveries }));
  await bury(options, reader, letters);
}

async function bury(
  { stream, deadLetters }: DeliveryOptions,
  { key, group }: Reader,
  letters: DeadLetter[],
): Promise<void> {
  await deadLetters.bury(stream, key, group, letters);
  streamMessages.inc({ stream, outcome: 'dead' }, letters.length);
}

/** Something of ours that is wrong is none, although trying again may help there too. */
function isOutage(error: unknown): boolean {
  return error instanceof BrokerError && error.retryable && error.code !== 'internal_error';
}
