import type { Redis } from 'ioredis';
import { BrokerError } from '../domain/errors.js';
import type { Logger } from '../observability/logger.js';
import { streamAlarms, streamMessages, streamPaused } from '../observability/metrics.js';
import { Backoff } from './backoff.js';
import { blockMs } from './connection.js';
import type { DeadLetter, DeadLetters } from './dead-letters.js';
import { before, type StreamEntry } from './stream-entry.js';
import {
  acknowledge,
  createGroup,
  forgetDeliveries,
  listPending,
  readNew,
  readPending,
  removeConsumer,
  type Reader,
} from './stream-group.js';
import { StreamJanitor, type JanitorTimes } from './stream-janitor.js';
import { maxDeliveries, maxFailures, pageOf } from './stream-suspects.js';

/** What became of the entries of a batch. One that is in none of the lists stays pending and is given again. */
export interface Settlement {
  /** Had their effect, or need none: acknowledged. */
  done: string[];
  /** Can never have one. */
  dead: DeadLetter[];
  /** Did not have it this time. */
  failed: { entry: StreamEntry; error: unknown }[];
}

export interface StreamConsumerOptions {
  stream: string;
  group: string;
  consumer: string;
  /** Where a group begins that is made for the first time: `0` with what is there already, `$` with what comes next. */
  startAt: '0' | '$';
  /** Entries per read, and at most under way. */
  batchSize: number;
  /** After a read that did not fill a batch: entries that come within this time are read together. */
  lingerMs: number;
  /** Entries older than this are removed, read or not. */
  retentionMs: number;
  /** See `trimAcknowledged`. */
  trimExactly: boolean;
  /** A connection of its own, for the reads that wait. */
  reader: Redis;
  /** For everything else. */
  commands: Redis;
  deadLetters: DeadLetters;
  logger: Logger;
  /**
   * Gives entries their effect. `redelivered`: some of it may have taken place before. What it throws counts for every
   * entry of the batch.
   */
  receive(entries: StreamEntry[], redelivered: boolean): Promise<Settlement>;
  times?: Partial<JanitorTimes>;
}

/** A consumer whose last read came back longer ago than this is not well: five waits of a read that finds nothing. */
const maxSilenceMs = 5 * blockMs;

/** A system behind the consumer is away: nobody's message is at fault. */
class Outage extends Error {
  override readonly name = 'Outage';
}

/**
 * Reads one stream as a member of a consumer group, for as long as it lives. An entry is acknowledged after it had its
 * effect and never before, so that whatever dies in between, the entry is given again: by this consumer, which looks
 * through what it was given at the start, after every reconnect and now and then, or by another one.
 *
 * While a system behind it is away nothing is read: the stream is the buffer.
 */
export class StreamConsumer {
  readonly #options: StreamConsumerOptions;
  readonly #reader: Reader;
  readonly #janitor: StreamJanitor;
  readonly #stopping = new AbortController();
  readonly #outage = new Backoff({ firstMs: 1_000, maxMs: 30_000 });
  readonly #trouble = new Backoff({ firstMs: 100, maxMs: 5_000 });
  readonly #running: Promise<void>;
  /** Where the group has to be made before the next read. */
  #makeGroupAt: '0' | '$' | undefined;
  #drainDue = true;
  /** The read of the next batch, while the one before it is under way. */
  #ahead: Promise<StreamEntry[]> | undefined;
  /** Of the reading connection, as Redis counts them. */
  #readerId: number | undefined;
  #lastReadAt = 0;
  #pausedBecause: string | undefined;

  constructor(options: StreamConsumerOptions) {
    this.#options = options;
    this.#reader = { key: options.stream, group: options.group, consumer: options.consumer };
    this.#makeGroupAt = options.startAt;
    this.#janitor = new StreamJanitor(options, this.#reader, {
      drain: (reader) => this.#drain(reader),
      readUnread: (reader) => this.#readUnread(reader),
    });
    options.reader.on('ready', () => {
      // What was on its way to a connection that broke is pending and nobody has seen it.
      this.#drainDue = true;
      options.reader.client('ID').then(
        (id) => (this.#readerId = id),
        () => undefined,
      );
    });
    this.#running = this.#run();
  }

  /** Whether it reads, and if not, why. */
  ready(): { ok: boolean; detail?: string } {
    if (this.#pausedBecause !== undefined) return { ok: false, detail: `paused: ${this.#pausedBecause}` };
    if (this.#lastReadAt === 0) return { ok: false, detail: 'has not read yet' };
    const silentMs = Date.now() - this.#lastReadAt;
    if (silentMs > maxSilenceMs)
      return { ok: false, detail: `the last read came back ${Math.round(silentMs / 1000)} s ago` };
    return { ok: true };
  }

  /** Looks after abandoned and moved entries at the next occasion, instead of when it is time to. */
  lookAround(): void {
    this.#janitor.hurry();
  }

  /** Gives the entries under way their effect, reads no more, and leaves the group. */
  async stop(): Promise<void> {
    const { reader, commands } = this.#options;
    this.#stopping.abort();
    // A read that waits comes back empty; otherwise it does so when its time is over.
    if (this.#readerId !== undefined) await commands.client('UNBLOCK', this.#readerId).catch(() => undefined);
    // With Redis away the read would wait for it to come back.
    const stuck = setTimeout(() => reader.disconnect(), blockMs + 1_000);
    await this.#running;
    clearTimeout(stuck);
    reader.disconnect();
    await removeConsumer(commands, this.#reader).catch(() => undefined);
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#stopped || this.#ahead !== undefined) {
      try {
        // Never beside a batch: an entry that is under way is pending too.
        if (this.#ahead === undefined) await this.#upkeep();
        await this.#readNext();
        this.#trouble.reset();
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async #upkeep(): Promise<void> {
    const { commands, stream, logger } = this.#options;
    if (this.#makeGroupAt !== undefined) {
      const made = await createGroup(commands, this.#reader, this.#makeGroupAt);
      if (made) logger.info({ stream, startAt: this.#makeGroupAt }, 'made the consumer group');
      this.#makeGroupAt = undefined;
      this.#drainDue = true;
    }
    if (this.#janitor.isDue()) await this.#janitor.pass();
    else if (this.#drainDue) await this.#drain(this.#reader);
    // The group is there and Redis answers; the first read may wait for a message.
    this.#lastReadAt ||= Date.now();
    this.#resume();
  }

  async #readNext(): Promise<void> {
    if (this.#stopped && this.#ahead === undefined) return;
    const { batchSize, lingerMs } = this.#options;
    const entries = await (this.#ahead ?? this.#read());
    this.#ahead = undefined;
    this.#lastReadAt = Date.now();
    if (entries.length === 0) return;
    const isFull = entries.length >= batchSize;
    if (isFull && !this.#stopped && !this.#drainDue && !this.#janitor.isDue()) {
      this.#ahead = this.#read();
      // Whoever awaits it hears of the error; until then nobody does.
      this.#ahead.catch(() => undefined);
    }
    await this.#deliver(this.#reader, entries, 1);
    if (!isFull) await this.#sleep(lingerMs);
  }

  #read(): Promise<StreamEntry[]> {
    return readNew(this.#options.reader, this.#reader, this.#options.batchSize, blockMs);
  }

  /** Gives once more what this consumer was given and has not acknowledged, in order. What fails again stays. */
  async #drain(reader: Reader): Promise<void> {
    const { commands, batchSize } = this.#options;
    if (reader === this.#reader) this.#drainDue = false;
    let after = '0-0';
    while (!this.#stopped) {
      const pending = await listPending(commands, reader, after, batchSize);
      if (pending.length === 0) return;
      const page = pageOf(pending);
      after = page.at(-1)!.id;
      const read = await readPending(commands, reader, before(page[0]!.id), page.length);
      this.#lastReadAt = Date.now();
      const there = read.filter((entry): entry is StreamEntry => entry[1] !== null);
      await this.#forgetTrimmed(
        reader,
        read.filter(([, fields]) => fields === null).map(([id]) => id),
      );
      const deliveries = Math.max(...page.map((entry) => entry.deliveries)) + 1;
      if (deliveries > maxDeliveries) await this.#bury(reader, there, 'delivered_too_often', deliveries);
      else if (there.length > 0) await this.#deliver(reader, there, deliveries);
    }
  }

  /** Reads what nobody was given of a stream that gets no new entries. */
  async #readUnread(reader: Reader): Promise<void> {
    while (!this.#stopped) {
      const entries = await readNew(this.#options.commands, reader, this.#options.batchSize);
      if (entries.length === 0) return;
      await this.#deliver(reader, entries, 1);
    }
  }

  /** @param deliveries how often the entries were given, this time included. */
  async #deliver(reader: Reader, entries: StreamEntry[], deliveries: number): Promise<void> {
    const { stream, commands, deadLetters, receive } = this.#options;
    const settlement = await receive(entries, deliveries > 1).catch((error: unknown): Settlement => ({
      done: [],
      dead: [],
      failed: entries.map((entry) => ({ entry, error })),
    }));
    await acknowledge(commands, reader.key, reader.group, settlement.done);
    this.#janitor.acknowledged(settlement.done.length);
    await deadLetters.bury(
      stream,
      reader.key,
      reader.group,
      settlement.dead.map((letter) => ({ deliveries, ...letter })),
    );
    streamMessages.inc({ stream, outcome: 'done' }, settlement.done.length);
    streamMessages.inc({ stream, outcome: 'dead' }, settlement.dead.length);
    if (settlement.failed.length > 0) await this.#leave(reader, settlement.failed, deliveries);
    else this.#outage.reset();
  }

  /** Failed entries stay pending. Those that an outage hit are not counted; the others are, up to an end. */
  async #leave(reader: Reader, failed: Settlement['failed'], deliveries: number): Promise<void> {
    const { stream, commands, logger } = this.#options;
    const outages = failed.filter(({ error }) => isOutage(error));
    const failures = failed.filter(({ error }) => !isOutage(error));
    if (failures.length > 0) {
      streamMessages.inc({ stream, outcome: 'failed' }, failures.length);
      const [{ entry, error }] = failures as [Settlement['failed'][number]];
      logger.error({ stream, id: entry[0], entries: failures.length, deliveries, err: error }, 'messages failed');
      const given = failures.map((failure) => failure.entry);
      if (deliveries >= maxFailures) await this.#bury(reader, given, 'failed', deliveries);
    }
    if (outages.length === 0) return;
    const ids = outages.map(({ entry }) => entry[0]);
    await forgetDeliveries(commands, reader, ids).catch(() => undefined);
    throw new Outage('a system behind the stream is away', { cause: outages[0]!.error });
  }

  async #bury({ key, group }: Reader, entries: StreamEntry[], reason: string, deliveries: number): Promise<void> {
    const { stream, deadLetters, logger } = this.#options;
    if (entries.length === 0) return;
    logger.error({ stream, reason, deliveries, ids: entries.slice(0, 10).map(([id]) => id) }, 'messages put aside');
    await deadLetters.bury(
      stream,
      key,
      group,
      entries.map((entry) => ({ entry, reason, deliveries })),
    );
    streamMessages.inc({ stream, outcome: 'dead' }, entries.length);
  }

  /** Entries that were given to somebody and then removed from the stream: there is nothing left to do for them. */
  async #forgetTrimmed({ key, group }: Reader, ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    const { stream, commands, logger } = this.#options;
    await acknowledge(commands, key, group, ids);
    streamMessages.inc({ stream, outcome: 'trimmed' }, ids.length);
    logger.warn({ stream, entries: ids.length }, 'messages were removed from the stream before they had an effect');
  }

  async #recover(error: unknown): Promise<void> {
    const { stream, logger } = this.#options;
    // What was read ahead is pending now, and comes with the rest.
    await this.#ahead?.catch(() => undefined);
    this.#ahead = undefined;
    this.#drainDue = true;
    if (this.#stopped) return;
    if (isGroupGone(error)) {
      // Flushed, deleted or renamed. Whatever stands there now is read from its beginning: nothing in it had an effect
      // that would not be recognised.
      this.#makeGroupAt = '0';
      streamAlarms.inc({ stream, kind: 'group_lost' });
      logger.error({ stream }, 'the consumer group is gone; it is made again');
    } else if (error instanceof Outage) {
      if (this.#pausedBecause === undefined) logger.warn({ stream, err: error.cause }, 'reading pauses');
      this.#pausedBecause = error.cause instanceof BrokerError ? error.cause.detail : error.message;
      streamPaused.set({ stream }, 1);
      return await this.#sleep(this.#outage.next());
    } else if (this.#trouble.isFirst) {
      logger.warn({ stream, err: error }, 'a stream cannot be read');
    }
    await this.#sleep(this.#trouble.next());
  }

  #resume(): void {
    if (this.#pausedBecause === undefined) return;
    const { stream, logger } = this.#options;
    logger.info({ stream }, 'reading goes on');
    this.#pausedBecause = undefined;
    streamPaused.set({ stream }, 0);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms === 0 || this.#stopped) return resolve();
      const done = () => {
        clearTimeout(timer);
        this.#stopping.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#stopping.signal.addEventListener('abort', done);
    });
  }
}

/** Something of ours that is wrong is none, although trying again may help there too. */
function isOutage(error: unknown): boolean {
  return error instanceof BrokerError && error.retryable && error.code !== 'internal_error';
}

/** What Redis answers when the group or the stream under it has gone, before or while a read waited. */
function isGroupGone(error: unknown): boolean {
  return error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message);
}
