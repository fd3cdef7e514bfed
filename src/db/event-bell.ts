import type { Pool } from 'pg';
import { prepared } from './prepared.js';

/** The channel on which processes hear that a wallet has new events. */
export const eventChannel = 'job_events';

/** A notification holds 8,000 bytes; more wallets than this are not named. */
const maxNamed = 100;

interface EventBell {
  /** Says that a wallet has new events; `undefined` says nothing. Never fails, and nothing waits for it. */
  ring(wallet: string | undefined): void;
}

/**
 * Tells all API processes that events are there to be read, after they were committed.
 *
 * Not in the transaction that writes them: Postgres commits notifying transactions one after the other, for the whole
 * server, and every job would wait for every other one. One notification at a time is on its way, and names all wallets
 * that came up meanwhile. One that is lost, with its process or the database, only delays: readers look by themselves
 * every few seconds.
 */
export function createEventBell(pool: Pick<Pool, 'query'>): EventBell {
  const waiting = new Set<string>();
  let isRinging = false;

  async function ringOut(): Promise<void> {
    isRinging = true;
    while (waiting.size > 0) {
      const named = waiting.size > maxNamed ? '' : [...waiting].join(',');
      waiting.clear();
      await pool.query(prepared(`select pg_notify('${eventChannel}', $1)`), [named]).catch(() => undefined);
    }
    isRinging = false;
  }

  return {
    ring(wallet) {
      if (wallet === undefined) return;
      waiting.add(wallet);
      if (!isRinging) void ringOut();
    },
  };
}

/** The wallets that a notification names; undefined if it means everybody's. */
export function namedWallets(payload: string | undefined): string[] | undefined {
  return payload === undefined || payload === '' ? undefined : payload.split(',');
}
