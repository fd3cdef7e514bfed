import type { Redis } from 'ioredis';
import { BrokerError } from '../../domain/errors.js';
import type { Logger } from '../../observability/logger.js';
import { streamMessages } from '../../observability/metrics.js';
import type { DeadLetter, DeadLetters } from './dead-letters.js';
import { acknowledge, forgetDeliveries, type Reader } from './group.js';
import { maxDeliveries, maxFailures } from './suspects.js';
import type { StreamEntry } from '../../wire/stream-entry.js';

/** The outcomes of a batch's entries. An entry in none of the lists stays pending and is redelivered. */
export interface Settlement {
  /** They took effect or need none: acknowledge. */
  done: string[];
  /** They can never take effect. */
  dead: DeadLetter[];
  /** Their time has not come: redeliver, however often. */
  later?: string[];
  /** They failed this time. */
  failed: { entry: StreamEntry; error: unknown }[];
}

/**
 * Applies entries. With `redelivered`, part of the effect may have taken place before. An error it throws counts for
 * every entry of the batch.
 */
export type Receive = (entries: StreamEntry[], redelivered: boolean) => Promise<Settlement>;

export interface DeliveryOptions {
  /** The stream's own name, even if it has been moved. */
  stream: string;
  /** For all commands except blocking reads. */
  commands: Redis;
  deadLetters: DeadLetters;
  logger: Logger;
  receive: Receive;
}

/** A dependency is away; no message is at fault. The cause tells which. */
export class Outage extends Error {
  override readonly name = 'Outage';
}

/**
 * Applies entries, then acknowledges those that took effect and writes dead letters for those that never can.
 *
 * @param deliveries how often the entries were delivered, including this time.
 * @returns how many were acknowledged.
 * @throws Outage when a dependency is away. The affected entries stay pending, as if they had not been delivered.
 */
export async function applyEntries(
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
  if (failed.length > 0) await keepPending(options, reader, failed, deliveries);
  return done.length + dead.length;
}

/** Entries that were delivered and then removed from the stream: there is nothing left to do. */
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

/** Failed entries stay pending. An outage does not count against them; other failures do, up to a limit. */
async function keepPending(
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
  // If Redis is away as well, they count as delivered once more, which is harmless until there are many.
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
  options.logger.error({ stream: options.stream, reason, deliveries, ids }, 'messages moved to the dead letters');
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

/** An internal error is a bug, not an outage, even though it is retryable. */
function isOutage(error: unknown): boolean {
  return error instanceof BrokerError && error.retryable && error.code !== 'internal_error';
}
