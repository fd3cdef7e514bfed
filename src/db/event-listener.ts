import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '../observability/logger.js';
import { eventChannel, namedWallets } from './event-bell.js';
import { connectionOptions, type PostgresConfig } from './pool.js';

const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** A connection that answers nothing for this long is dead, whatever TCP says. */
const answerWithinMs = 5_000;
const askEveryMs = 15_000;

export interface EventListener {
  /** Resolves when the connection is closed. */
  stop(): Promise<void>;
}

/**
 * Hears of new events on a connection of its own, and opens it again for as long as it takes. `onNews` gets the wallets
 * that have some; undefined means that any may have, as after a time in which nothing could be heard.
 */
export function listenForEvents(
  config: Omit<PostgresConfig, 'POSTGRES_POOL_SIZE'>,
  onNews: (wallets: string[] | undefined) => void,
  logger: Logger,
): EventListener {
  const stopped = new AbortController();
  const running = listenAgainAndAgain();
  return {
    async stop() {
      stopped.abort();
      await running;
    },
  };

  async function listenAgainAndAgain(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!stopped.signal.aborted) {
      try {
        await listen(() => (pauseMs = firstPauseMs));
      } catch (error) {
        logger.warn({ err: error, retryInMs: pauseMs }, 'cannot hear of new events; readers look every few seconds');
      }
      if (stopped.signal.aborted) return;
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }

  /** Resolves at the stop, rejects when the connection is lost. */
  async function listen(onConnected: () => void): Promise<void> {
    const client = new pg.Client({ ...connectionOptions(config), query_timeout: answerWithinMs });
    let asking: NodeJS.Timeout | undefined;
    let onStop: () => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        onStop = resolve;
        stopped.signal.addEventListener('abort', onStop, { once: true });
        client.on('error', reject);
        client.on('end', () => reject(new Error('the connection ended')));
        client.on('notification', ({ payload }) => onNews(namedWallets(payload)));
        const begin = async () => {
          await client.connect();
          await client.query(`listen ${eventChannel}`);
          if (stopped.signal.aborted) return;
          onConnected();
          // What was written before is heard by nobody.
          onNews(undefined);
          asking = setInterval(() => void client.query('select 1').catch(reject), askEveryMs).unref();
        };
        begin().catch(reject);
      });
    } finally {
      clearInterval(asking);
      stopped.signal.removeEventListener('abort', onStop);
      client.removeAllListeners('end');
      // A dead connection may not even close.
      await Promise.race([client.end().catch(() => undefined), sleep(1_000, undefined, { ref: false })]);
    }
  }
}
