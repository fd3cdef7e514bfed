import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import {
  announceAnswerer,
  claimRegistrations,
  countUnanswered,
  releaseClaim,
  withdrawAnswerer,
  type ClaimedRegistration,
} from '../../db/answer-desk.js';
import type { Readiness } from '../../observability/listener.js';
import type { Logger } from '../../observability/logger.js';
import type { TokensAhead } from '../../kubernetes/tokens-ahead.js';

export interface DeskPace {
  /** How many registrations are answered concurrently: an agent that is slow to read its answer holds a place for a second. */
  atOnce: number;
  /** How long a worker that was killed holds up the registrations that it had taken. */
  leaseS: number;
  /** How often to look while there are none. */
  idleMs: number;
  /** How long a registration is left alone that could not be answered. */
  failedS: number;
  announceEveryMs: number;
}

export const usualDeskPace: DeskPace = {
  atOnce: 64,
  // Longer than an answer takes that waits for its token to be made, signed and read.
  leaseS: 30,
  idleMs: 150,
  failedS: 3,
  announceEveryMs: 2_000,
};

/** With this many waiting, join tokens are made ahead. */
const fewestAhead = 8;
const mostAhead = 256;

interface Deps {
  pool: Pool;
  logger: Logger;
  /** Tells this worker from others. */
  name: string;
  /** Answers a registration and records what became of it. Safe to repeat. */
  answer(registration: { providerId: string; messageId: string; reissued: number }): Promise<unknown>;
  tokens: Pick<TokensAhead, 'expect'>;
}

/**
 * Answers the registrations that the relay hands over. Their workflows are told afterwards, by the relay: so a storm of
 * machines waits for their tokens only, and not for Temporal. One that cannot be answered here is left to its workflow,
 * where its step waits for everybody to see.
 */
export function openAnswerDesk(
  deps: Deps,
  pace: DeskPace = usualDeskPace,
): { ready(): Readiness; stop(): Promise<void> } {
  const { pool, logger, name, tokens } = deps;
  const underWay = new Set<Promise<void>>();
  const leave = new AbortController();
  let failure: string | undefined;
  let announceAtMs = 0;
  const running = keepOpen();

  async function keepOpen(): Promise<void> {
    while (!leave.signal.aborted) {
      let taken = 0;
      try {
        if (Date.now() >= announceAtMs) {
          await announceAnswerer(pool, name);
          announceAtMs = Date.now() + pace.announceEveryMs;
        }
        taken = await takeSome();
        failure = undefined;
      } catch (error) {
        failure = 'the database does not answer';
        logger.warn({ err: error }, 'registrations cannot be taken for now');
      }
      // With some taken there may be more; otherwise nothing is to be done until one comes, or one is over.
      const pause = sleep(pace.idleMs, undefined, { signal: leave.signal }).catch(() => undefined);
      if (isFull()) await Promise.race([pause, ...underWay]);
      else if (taken === 0) await pause;
    }
  }

  /** Registrations are taken some at a time: each look costs as much as an answer does. */
  function isFull(): boolean {
    return pace.atOnce - underWay.size < pace.atOnce / 4;
  }

  async function takeSome(): Promise<number> {
    if (isFull()) return 0;
    const taken = await claimRegistrations(pool, { limit: pace.atOnce - underWay.size, leaseS: pace.leaseS });
    if (taken.length > 0) {
      const waiting = taken.length < fewestAhead ? 0 : await countUnanswered(pool, mostAhead);
      tokens.expect(waiting < fewestAhead ? 0 : waiting);
    }
    for (const registration of taken) {
      const answered = answer(registration).finally(() => underWay.delete(answered));
      underWay.add(answered);
    }
    return taken.length;
  }

  async function answer({ messageId, providerId }: ClaimedRegistration): Promise<void> {
    try {
      await deps.answer({ providerId, messageId, reissued: 0 });
    } catch (error) {
      logger.warn({ err: error, providerId, messageId }, 'a registration could not be answered; it is tried again');
      // Without the database its lease ends by itself.
      await releaseClaim(pool, messageId, pace.failedS).catch(() => undefined);
    }
  }

  return {
    ready: () => ({ registrations: failure === undefined ? { ok: true } : { ok: false, detail: failure } }),
    async stop() {
      leave.abort();
      await running;
      await withdrawAnswerer(pool, name).catch(() => undefined);
      await Promise.all(underWay);
    },
  };
}
