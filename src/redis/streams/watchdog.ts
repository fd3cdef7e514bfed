import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.js';
import { redisClockSkewSeconds, streamAlarms } from '../../observability/metrics.js';
import { reportForeign } from '../foreign.js';
import { poisonedRegister, poisonedStream, trimmedCounter } from '../../wire/streams.js';
import { lookScript } from './scripts.js';

type State = 'healthy' | 'absent' | 'poisoned' | 'foreign';
type Found = 'counter' | 'register' | 'uncounted' | 'group';

/**
 * How far ahead of Redis's clock a last id may be. As much as a heartbeat's time may be ahead of ours: with more,
 * somebody could keep every heartbeat out without ever being noticed.
 */
export const aheadToleranceMs = 5_000;
/** Something at a stream's key that is no stream is kept this long. */
const foreignTtlS = 7 * 86_400;
/** The counter has a field for each stream; with many more, somebody fills it. */
const maxCounted = 64;
/** More, and heartbeats begin to look as if they came from the future or the past. */
const maxSkewMs = 2_000;

/**
 * Looks at streams that anybody may write to, and at what we keep beside them. One whose last id somebody chose, far in the future, accepts no more
 * entries or forges their times: it is moved aside, a new one takes its place, and `onMoved` has it emptied. Entries
 * that disappear although no relay removed them are reported.
 */
export class StreamWatchdog {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #clocksDiffer = false;
  /** Streams of which it was known at the last look how many entries had gone. */
  readonly #counted = new Set<string>();
  #wake = () => undefined as void;

  constructor(
    private readonly options: {
      streams: readonly string[];
      group: string;
      commands: Redis;
      logger: Logger;
      onMoved(stream: string): void;
      /** Entries may have gone before anybody read them. */
      onLost?(stream: string): Promise<void>;
      everyMs?: number;
    },
  ) {
    this.#running = this.#run();
  }

  /** Looks at once: somebody noticed an entry from the future. */
  lookSoon(): void {
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { streams, logger, everyMs = 2_000 } = this.options;
    let failing = false;
    while (!this.#stopping.signal.aborted) {
      try {
        // One that cannot be looked at keeps none of the others from it.
        for (const result of await Promise.allSettled(streams.map((stream) => this.#look(stream))))
          if (result.status === 'rejected') throw result.reason;
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ err: error }, 'the streams cannot be looked at');
        failing = true;
      }
      // Not sooner than this even when called: whoever poisons in a loop shall not keep Redis busy.
      await this.#pause(everyMs / 10);
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([this.#pause(everyMs), woken]);
    }
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #look(stream: string): Promise<void> {
    const { commands, group, logger, onMoved, onLost } = this.options;
    const movedTo = poisonedStream(stream, Date.now());
    const [state, lastId, missing, redisMs, found] = (await commands.eval(
      lookScript,
      4,
      ...[stream, movedTo, poisonedRegister(stream), trimmedCounter],
      ...[aheadToleranceMs, group, foreignTtlS, maxCounted],
    )) as [State, string, number, number, Found[]];
    this.#compareClocks(redisMs);
    const alarm = (kind: string, details: object, message: string) => {
      streamAlarms.inc({ stream, kind });
      logger.error({ stream, ...details }, message);
    };
    if (state === 'poisoned') {
      alarm('poisoned', { lastId, movedTo }, 'somebody wrote an id from the future; the stream was moved aside');
      onMoved(stream);
    }
    if (state === 'foreign')
      alarm('replaced', { movedTo }, 'somebody put something that is no stream in its place; it was moved aside');
    if (missing > 0)
      alarm('emptied', { entries: missing }, 'entries disappeared from the stream although no relay removed them');
    if (missing < 0) alarm('replaced', {}, 'somebody deleted the stream; another one stands there');
    if (found.includes('group'))
      alarm('group_moved', {}, 'somebody moved the consumer group past the last entry; it begins anew');
    // Whoever removes the count together with entries does it so that nobody sees how many went.
    const isForgotten = found.includes('counter') || (found.includes('uncounted') && this.#counted.has(stream));
    if (isForgotten) reportForeign(commands, 'trimmed', trimmedCounter);
    if (found.includes('register')) reportForeign(commands, 'movedStreams', poisonedRegister(stream));
    if (state === 'healthy') this.#counted.add(stream);
    else this.#counted.delete(stream);
    if (state === 'foreign' || missing !== 0 || found.includes('group') || isForgotten) await onLost?.(stream);
  }

  #compareClocks(redisMs: number): void {
    const skewMs = redisMs - Date.now();
    redisClockSkewSeconds.set(skewMs / 1000);
    const differ = Math.abs(skewMs) > maxSkewMs;
    if (differ && !this.#clocksDiffer) {
      this.options.logger.error(
        { skewMs },
        'the clocks of Redis and of this process differ: heartbeats may be ignored',
      );
    }
    this.#clocksDiffer = differ;
  }
}
