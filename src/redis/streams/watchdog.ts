import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.js';
import { redisClockSkewSeconds, streamAlarms } from '../../observability/metrics.js';
import { poisonedRegister, poisonedStream, trimmedCounter } from '../stream-names.js';
import { lookScript } from './scripts.js';

type State = 'healthy' | 'absent' | 'poisoned' | 'foreign';

/**
 * How far ahead of Redis's clock a last id may be. As much as a heartbeat's time may be ahead of ours: with more,
 * somebody could keep every heartbeat out without ever being noticed.
 */
export const aheadToleranceMs = 5_000;
/** Something at a stream's key that is no stream is kept this long. */
const foreignTtlS = 7 * 86_400;
/** More, and heartbeats begin to look as if they came from the future or the past. */
const maxSkewMs = 2_000;

/**
 * Looks at streams that anybody may write to. One whose last id somebody chose, far in the future, accepts no more
 * entries or forges their times: it is moved aside, a new one takes its place, and `onMoved` has it emptied. Entries
 * that disappear although no relay removed them are reported.
 */
export class StreamWatchdog {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #clocksDiffer = false;
  #wake = () => undefined as void;

  constructor(
    private readonly options: {
      streams: readonly string[];
      group: string;
      commands: Redis;
      logger: Logger;
      onMoved(stream: string): void;
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
        for (const stream of streams) await this.#look(stream);
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
    const { commands, group, logger, onMoved } = this.options;
    const movedTo = poisonedStream(stream, Date.now());
    const [state, lastId, missing, redisMs] = (await commands.eval(
      lookScript,
      4,
      ...[stream, movedTo, poisonedRegister(stream), trimmedCounter],
      ...[aheadToleranceMs, group, foreignTtlS],
    )) as [State, string, number, number];
    this.#compareClocks(redisMs);
    if (state === 'poisoned') {
      streamAlarms.inc({ stream, kind: 'poisoned' });
      logger.error({ stream, lastId, movedTo }, 'somebody wrote an id from the future; the stream was moved aside');
      onMoved(stream);
    }
    if (state === 'foreign') {
      streamAlarms.inc({ stream, kind: 'replaced' });
      logger.error({ stream, movedTo }, 'somebody put something that is no stream in its place; it was moved aside');
    }
    if (missing > 0) {
      streamAlarms.inc({ stream, kind: 'emptied' });
      logger.error({ stream, entries: missing }, 'entries disappeared from the stream although no relay removed them');
    }
    if (missing < 0) {
      streamAlarms.inc({ stream, kind: 'replaced' });
      logger.error({ stream }, 'somebody deleted the stream; another one stands there');
    }
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
