import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from '../../observability/logger.js';
import { redisClockSkewSeconds, streamAlarms } from '../../observability/metrics.js';
import { reportForeign } from '../foreign.js';
import { poisonedRegister, poisonedStream, trimmedCounter } from '../../wire/streams.js';
import { checkStreamScript } from './scripts.js';

type State = 'healthy' | 'absent' | 'poisoned' | 'foreign';
type Found = 'counter' | 'register' | 'uncounted' | 'group';

/**
 * How far a last id may be ahead of Redis's clock: as much as a heartbeat's time may be ahead of ours. With a larger
 * tolerance, somebody could block all heartbeats unnoticed.
 */
export const aheadToleranceMs = 5_000;
/** How long something else at a stream's key is kept. */
const foreignTtlS = 7 * 86_400;
/** The counter has one field per stream; many more mean that somebody is filling it. */
const maxCounted = 64;
/** With a larger skew, heartbeats begin to look as if they came from the future or the past. */
const maxSkewMs = 2_000;

/**
 * Checks the streams that anyone can write to, and the broker's keys beside them. A stream whose last id somebody chose
 * far in the future accepts no more entries or forges their times: it is moved aside, a new one replaces it, and
 * `onMoved` has the old one emptied. Entries that disappear although no relay removed them are reported.
 */
export class StreamWatchdog {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #clocksDiffer = false;
  /** Streams whose count of removed entries was known at the last check. */
  readonly #counted = new Set<string>();
  #wake = () => undefined as void;

  constructor(
    private readonly options: {
      streams: readonly string[];
      group: string;
      commands: Redis;
      logger: Logger;
      onMoved(stream: string): void;
      /** Entries may have been removed unread. */
      onLost?(stream: string): Promise<void>;
      everyMs?: number;
    },
  ) {
    this.#running = this.#run();
  }

  /** Checks at once, because somebody noticed an entry from the future. */
  checkSoon(): void {
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
        // A failing check of one stream must not block the others.
        for (const result of await Promise.allSettled(streams.map((stream) => this.#check(stream))))
          if (result.status === 'rejected') throw result.reason;
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ err: error }, 'the streams cannot be checked');
        failing = true;
      }
      // Not sooner than this even on request: poisoning in a loop must not keep Redis busy.
      await this.#pause(everyMs / 10);
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([this.#pause(everyMs), woken]);
    }
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #check(stream: string): Promise<void> {
    const { commands, group, logger, onMoved, onLost } = this.options;
    const movedTo = poisonedStream(stream, Date.now());
    const [state, lastId, missing, redisMs, found] = (await commands.eval(
      checkStreamScript,
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
      alarm('replaced', { movedTo }, 'somebody replaced the stream with another value, which was moved aside');
    if (missing > 0)
      alarm('emptied', { entries: missing }, 'entries disappeared from the stream although no relay removed them');
    if (missing < 0) alarm('replaced', {}, 'somebody deleted the stream and created another one');
    if (found.includes('group'))
      alarm('group_moved', {}, 'somebody moved the consumer group past the last entry; it restarts from the beginning');
    // Somebody who removes entries also removes the count, so that nobody sees how many are gone.
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
