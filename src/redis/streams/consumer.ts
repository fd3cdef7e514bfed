import type { Redis } from 'ioredis';
import { BrokerError } from '../../domain/errors.js';
import { streamAlarms, streamPaused } from '../../observability/metrics.js';
import { Backoff } from '../../backoff.js';
import { blockMs, closeRedis } from '../connection.js';
import { deliver, forgetTrimmed, Outage, type DeliveryOptions } from './delivery.js';
import { before, type StreamEntry } from './entry.js';
import { awaitNew, maxBatchBytes, readNew, readPending, weightOf, type BatchLimits } from './batch.js';
import { createGroup, listPending, removeConsumer, type Reader } from './group.js';
import { StreamJanitor, type JanitorTimes } from './janitor.js';
import { pageOf } from './suspects.js';

export interface StreamConsumerOptions extends DeliveryOptions {
  group: string;
  consumer: string;
  /** Where a group begins that is made for the first time: `0` with what is there already, `$` with what comes next. */
  startAt: '0' | '$';
  /** Entries per read, and at most under way; fewer where they weigh more than `maxBatchBytes`. */
  batchSize: number;
  /** After a read that did not fill a batch: entries that come within this time are read together. */
  lingerMs: number;
  /** Entries older than this are removed, read or not. */
  retentionMs: number;
  /** See `trimAcknowledged`. */
  trimExactly: boolean;
  /** A connection of its own, for the reads that wait. */
  reader: Redis;
  times?: Partial<JanitorTimes>;
}

/** A consumer whose last read came back longer ago than this is not well: five waits of a read that finds nothing. */
const maxSilenceMs = 5 * blockMs;

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
      concernsReading: (error) => error instanceof Outage || isGroupGone(error) || this.#isAway(error),
    });
    options.commands.on('ready', this.#onReconnect);
    options.reader.on('ready', () => {
      this.#onReconnect();
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

  /** What was on its way to a connection that broke is pending and nobody has seen it. */
  readonly #onReconnect = () => {
    this.#drainDue = true;
  };

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
    const stuck = setTimeout(() => closeRedis(reader), blockMs + 1_000);
    await this.#running;
    clearTimeout(stuck);
    closeRedis(reader);
    commands.off('ready', this.#onReconnect);
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
    const { lingerMs } = this.#options;
    const entries = await (this.#ahead ?? this.#read());
    this.#ahead = undefined;
    this.#lastReadAt = Date.now();
    if (entries.length === 0) return;
    const isFull = entries.length >= this.#limits.entries || weightOf(entries) >= maxBatchBytes / 2;
    if (isFull && !this.#stopped && !this.#drainDue && !this.#janitor.isDue()) {
      this.#ahead = this.#read();
      // Whoever awaits it hears of the error; until then nobody does.
      this.#ahead.catch(() => undefined);
    }
    await this.#deliver(this.#reader, entries, 1);
    if (!isFull) await this.#sleep(lingerMs);
  }

  get #limits(): BatchLimits {
    return { entries: this.#options.batchSize, bytes: maxBatchBytes };
  }

  /** What is there; where nothing is, what comes first, and what came with it. */
  async #read(): Promise<StreamEntry[]> {
    const { commands, reader } = this.#options;
    const there = await readNew(commands, this.#reader, this.#limits);
    if (there.length > 0 || this.#stopped) return there;
    const first = await awaitNew(reader, this.#reader, blockMs);
    if (first === undefined) return [];
    const { entries, bytes } = this.#limits;
    if (entries === 1) return [first];
    return [first, ...(await readNew(commands, this.#reader, { entries: entries - 1, bytes }))];
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
      const limits = { ...this.#limits, entries: page.length };
      const read = await readPending(commands, reader, before(page[0]!.id), limits);
      // What did not fit is looked at again.
      after = read.at(-1)?.[0] ?? page.at(-1)!.id;
      this.#lastReadAt = Date.now();
      const there = read.filter((entry): entry is StreamEntry => entry[1] !== null);
      const trimmed = read.filter(([, fields]) => fields === null).map(([id]) => id);
      await forgetTrimmed(this.#options, reader, trimmed);
      const deliveries = Math.max(...page.map((entry) => entry.deliveries)) + 1;
      if (there.length > 0) await this.#deliver(reader, there, deliveries);
    }
  }

  /** Reads what nobody was given of a stream that gets no new entries. */
  async #readUnread(reader: Reader): Promise<void> {
    while (!this.#stopped) {
      const entries = await readNew(this.#options.commands, reader, this.#limits);
      if (entries.length === 0) return;
      await this.#deliver(reader, entries, 1);
    }
  }

  /** @param deliveries how often the entries were given, this time included. */
  async #deliver(reader: Reader, entries: StreamEntry[], deliveries: number): Promise<void> {
    const acknowledged = await deliver(this.#options, reader, entries, deliveries);
    this.#janitor.acknowledged(acknowledged);
    this.#outage.reset();
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

  /** Redis did not answer, in the words of the driver. */
  #isAway(error: unknown): boolean {
    const isUnanswered = error instanceof Error && /timed out|is closed|retries per request/i.test(error.message);
    return isUnanswered || this.#options.commands.status !== 'ready';
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

/** What Redis answers when the group or the stream under it has gone, before or while a read waited. */
function isGroupGone(error: unknown): boolean {
  return error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message);
}
