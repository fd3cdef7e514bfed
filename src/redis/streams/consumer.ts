import type { Redis } from 'ioredis';
import { BrokerError } from '../../domain/errors.js';
import { streamAlarms, streamPaused } from '../../observability/metrics.js';
import { Backoff } from '../../backoff.js';
import { blockMs, closeRedis } from '../connection.js';
import { applyEntries, forgetTrimmed, Outage, type DeliveryOptions } from './delivery.js';
import { before } from './entry.js';
import { awaitNew, maxBatchBytes, readNew, readPending, weightOf, type BatchLimits } from './batch.js';
import { createGroup, listPending, removeConsumer, type Reader } from './group.js';
import { StreamJanitor, type JanitorTimes } from './janitor.js';
import { pageOf } from './suspects.js';
import type { StreamEntry } from '../../wire/stream-entry.js';

export interface StreamConsumerOptions extends DeliveryOptions {
  group: string;
  consumer: string;
  /** Where a new group begins: `0` includes existing entries, `$` only later ones. */
  startAt: '0' | '$';
  /** Entries per read, and the most in progress; fewer if they exceed `maxBatchBytes`. */
  batchSize: number;
  /** After a read that did not fill a batch: entries arriving within this time are read together. */
  lingerMs: number;
  /** Entries older than this are removed, read or not. */
  retentionMs: number;
  /** See `trimAcknowledged`. */
  trimExactly: boolean;
  /** A separate connection for blocking reads. */
  reader: Redis;
  times?: Partial<JanitorTimes>;
}

/** A consumer whose last read returned longer ago than this is not ready: five times the longest blocking read. */
const maxSilenceMs = 5 * blockMs;

/**
 * Reads one stream as a member of a consumer group. An entry is acknowledged only after it took effect, so after any
 * crash it is redelivered: to this consumer, which checks its pending entries at the start, after every reconnect and
 * now and then, or to another one.
 *
 * While a dependency is away, nothing is read: the stream is the buffer.
 */
export class StreamConsumer {
  readonly #options: StreamConsumerOptions;
  readonly #reader: Reader;
  readonly #janitor: StreamJanitor;
  readonly #stopping = new AbortController();
  readonly #outage = new Backoff({ firstMs: 1_000, maxMs: 30_000 });
  readonly #trouble = new Backoff({ firstMs: 100, maxMs: 5_000 });
  readonly #running: Promise<void>;
  /** The position at which the group must be created before the next read. */
  #makeGroupAt: '0' | '$' | undefined;
  #drainDue = true;
  /** The read of the next batch, while the previous one is in progress. */
  #ahead: Promise<StreamEntry[]> | undefined;
  /** The reading connection's client id in Redis. */
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

  /** Entries sent to a broken connection are pending, and nobody has seen them. */
  readonly #onReconnect = () => {
    this.#drainDue = true;
  };

  /** Handles abandoned and moved entries at the next opportunity instead of at the usual time. */
  checkAgain(): void {
    this.#janitor.hurry();
  }

  /** Stops reading, applies the entries in progress, and leaves the group. */
  async stop(): Promise<void> {
    const { reader, commands } = this.#options;
    this.#stopping.abort();
    // Ends a blocking read early; without this, it ends when its time is up.
    if (this.#readerId !== undefined) await commands.client('UNBLOCK', this.#readerId).catch(() => undefined);
    // Without Redis, the read would wait for it to return.
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
        // Never during a batch, whose entries are pending too.
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
      if (made) logger.info({ stream, startAt: this.#makeGroupAt }, 'created the consumer group');
      this.#makeGroupAt = undefined;
      this.#drainDue = true;
    }
    if (this.#janitor.isDue()) await this.#janitor.pass();
    else if (this.#drainDue) await this.#drain(this.#reader);
    // The group exists and Redis answers; the first read may have to wait for a message.
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
      // Whoever awaits the promise gets the error; until then it must not count as unhandled.
      this.#ahead.catch(() => undefined);
    }
    await this.#deliver(this.#reader, entries, 1);
    if (!isFull) await this.#sleep(lingerMs);
  }

  get #limits(): BatchLimits {
    return { entries: this.#options.batchSize, bytes: maxBatchBytes };
  }

  /** Reads what is there; if nothing is, waits for the first entry and reads what arrived with it. */
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

  /** Redelivers this consumer's unacknowledged entries in order. What fails again stays pending. */
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
      // Check again for the entries that did not fit.
      after = read.at(-1)?.[0] ?? page.at(-1)!.id;
      this.#lastReadAt = Date.now();
      const there = read.filter((entry): entry is StreamEntry => entry[1] !== null);
      const trimmed = read.filter(([, fields]) => fields === null).map(([id]) => id);
      await forgetTrimmed(this.#options, reader, trimmed);
      const deliveries = Math.max(...page.map((entry) => entry.deliveries)) + 1;
      if (there.length > 0) await this.#deliver(reader, there, deliveries);
    }
  }

  /** Reads the unread entries of a stream that gets no new ones. */
  async #readUnread(reader: Reader): Promise<void> {
    while (!this.#stopped) {
      const entries = await readNew(this.#options.commands, reader, this.#limits);
      if (entries.length === 0) return;
      await this.#deliver(reader, entries, 1);
    }
  }

  /** @param deliveries how often the entries were delivered, including this time. */
  async #deliver(reader: Reader, entries: StreamEntry[], deliveries: number): Promise<void> {
    const acknowledged = await applyEntries(this.#options, reader, entries, deliveries);
    this.#janitor.acknowledged(acknowledged);
    this.#outage.reset();
  }

  async #recover(error: unknown): Promise<void> {
    const { stream, logger } = this.#options;
    // The entries read ahead are now pending and come with the rest.
    await this.#ahead?.catch(() => undefined);
    this.#ahead = undefined;
    this.#drainDue = true;
    if (this.#stopped) return;
    if (isGroupGone(error)) {
      // The stream was flushed, deleted or renamed. Read whatever is there now from the beginning: an effect that
      // already took place would be recognized.
      this.#makeGroupAt = '0';
      streamAlarms.inc({ stream, kind: 'group_lost' });
      logger.error({ stream }, 'the consumer group is gone; creating it again');
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
    logger.info({ stream }, 'reading continues');
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
