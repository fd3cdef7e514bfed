import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.js';
import {
  streamLag,
  streamMessages,
  streamOldestPendingSeconds,
  streamPending,
  streamUpkeepFailures,
} from '../../observability/metrics.js';
import { reportForeign } from '../foreign.js';
import { arrivalMs } from './entry.js';
import {
  claimAbandoned,
  createGroup,
  groupFigures,
  removeIdleConsumers,
  trimAcknowledged,
  type Reader,
} from './group.js';
import { poisonedRegister, poisonedStream } from '../../wire/streams.js';
import { movedScript, retireScript } from './scripts.js';

export interface JanitorTimes {
  everyMs: number;
  /** Longer than any batch takes: entries pending for less may still be in progress elsewhere. */
  abandonedAfterMs: number;
  trimEveryMs: number;
  idleConsumerMs: number;
}

const usually: JanitorTimes = {
  everyMs: 30_000,
  abandonedAfterMs: 60_000,
  trimEveryMs: 60_000,
  idleConsumerMs: 3_600_000,
};

/** About 40 MB of heartbeats. */
const trimAfterEntries = 100_000;

/** How many moved streams one pass empties. */
const movedAtOnce = 20;

/** How much of a moved stream is kept as evidence: this many entries for this many seconds. */
const evidence = { entries: 1_000, ttlS: 7 * 86_400 };

interface JanitorOptions {
  stream: string;
  retentionMs: number;
  trimExactly: boolean;
  commands: Redis;
  logger: Logger;
  times?: Partial<JanitorTimes>;
}

/** Operations that only the consumer can do: apply entries, and recognize failures that affect more than one step. */
interface Deliveries {
  drain(reader: Reader): Promise<void>;
  readUnread(reader: Reader): Promise<void>;
  /** Nothing can be read either: a dependency is away, or the group is gone. */
  concernsReading(error: unknown): boolean;
}

type Step = 'trim' | 'take_over' | 'moved_streams' | 'idle_consumers' | 'measure';

/**
 * Maintains a stream and its group between reads: claims what other consumers left behind, empties moved streams,
 * removes acknowledged entries and deletes dead consumers. A failed step is retried in the next pass and blocks neither
 * the other steps nor the reading, because senders can write to the keys it works with.
 */
export class StreamJanitor {
  readonly #times: JanitorTimes;
  #nextPassAt = 0;
  #nextTrimAt: number;
  #acknowledged = 0;
  readonly #failing = new Set<Step>();

  constructor(
    private readonly options: JanitorOptions,
    private readonly reader: Reader,
    private readonly deliveries: Deliveries,
  ) {
    this.#times = { ...usually, ...options.times };
    this.#nextTrimAt = Date.now() + this.#times.trimEveryMs;
  }

  isDue(): boolean {
    return Date.now() >= Math.min(this.#nextPassAt, this.#nextTrimAt);
  }

  /** After this many more removable entries, trim at once; a busy stream does not wait for the minute to pass. */
  acknowledged(entries: number): void {
    this.#acknowledged += entries;
    if (this.#acknowledged >= trimAfterEntries) this.#nextTrimAt = 0;
  }

  hurry(): void {
    this.#nextPassAt = 0;
  }

  /** @throws only errors that also keep the stream from being read. */
  async pass(): Promise<void> {
    const { commands } = this.options;
    if (Date.now() >= this.#nextTrimAt) {
      this.#nextTrimAt = Date.now() + this.#times.trimEveryMs;
      this.#acknowledged = 0;
      await this.#try('trim', () => this.#trim());
    }
    if (Date.now() < this.#nextPassAt) return;
    // Read before the work, so that a request arriving meanwhile is not lost.
    this.#nextPassAt = Date.now() + this.#times.everyMs;
    try {
      await this.#try('take_over', () => this.#takeOver(this.reader));
      await this.#try('moved_streams', () => this.#emptyMoved());
      await this.#try('idle_consumers', () => removeIdleConsumers(commands, this.reader, this.#times.idleConsumerMs));
      await this.#try('measure', () => this.#measure());
    } catch (error) {
      this.hurry();
      throw error;
    }
  }

  async #try(step: Step, work: () => Promise<void>): Promise<void> {
    const { logger, stream } = this.options;
    try {
      await work();
      this.#failing.delete(step);
    } catch (error) {
      if (this.deliveries.concernsReading(error)) throw error;
      streamUpkeepFailures.inc({ stream, step });
      if (!this.#failing.has(step))
        logger.error({ stream, step, err: error }, 'the stream is read, but its upkeep fails');
      this.#failing.add(step);
    }
  }

  async #takeOver(reader: Reader): Promise<void> {
    const { commands, stream } = this.options;
    const { trimmed } = await claimAbandoned(commands, reader, this.#times.abandonedAfterMs);
    streamMessages.inc({ stream, outcome: 'trimmed' }, trimmed);
    await this.deliveries.drain(reader);
  }

  async #emptyMoved(): Promise<void> {
    const { commands, stream } = this.options;
    const register = poisonedRegister(stream);
    const prefix = poisonedStream(stream, 0).slice(0, -1);
    const [names, foreign] = (await commands.eval(movedScript, 1, register, prefix, movedAtOnce)) as [string[], number];
    if (foreign > 0) reportForeign(commands, 'movedStreams', register);
    for (const name of names) await this.#empty(name);
  }

  /** Applies the entries of a moved stream, then removes it. */
  async #empty(key: string): Promise<void> {
    const { commands, logger, stream } = this.options;
    const { group, consumer } = this.reader;
    const reader: Reader = { key, group, consumer };
    if ((await commands.exists(key)) === 1) {
      await createGroup(commands, reader, '0');
      await this.#takeOver(reader);
      await this.deliveries.readUnread(reader);
    }
    const away = await commands.eval(
      retireScript,
      2,
      key,
      poisonedRegister(stream),
      group,
      evidence.entries,
      evidence.ttlS,
    );
    if (away === 1) logger.info({ stream, movedTo: key }, 'the poisoned stream is fully processed');
  }

  async #trim(): Promise<void> {
    const { commands, stream, retentionMs, trimExactly } = this.options;
    await trimAcknowledged(commands, stream, { retentionMs, exactly: trimExactly });
  }

  async #measure(): Promise<void> {
    const { commands, stream } = this.options;
    const { lag, pending, oldestPending } = await groupFigures(commands, this.reader);
    if (lag !== undefined) streamLag.set({ stream }, lag);
    streamPending.set({ stream }, pending);
    const ageMs = oldestPending === undefined ? 0 : Math.max(0, Date.now() - arrivalMs(oldestPending));
    streamOldestPendingSeconds.set({ stream }, ageMs / 1000);
  }
}
