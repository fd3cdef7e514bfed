import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import {
  claimUntold,
  countUnanswered,
  deskBacklog,
  releaseClaim,
  type UntoldRegistration,
} from '../../db/answer-desk.js';
import { BrokerError } from '../../domain/errors.js';
import { markTold } from '../../db/registrations.js';
import { registrationsAtDesk, registrationsOldestAtDeskSeconds } from '../../observability/metrics.js';
import type { Readiness } from '../../observability/listener.js';
import type { Logger } from '../../observability/logger.js';
import { sideBySide } from '../../side-by-side.js';
import type { ProviderSignals } from '../../temporal/providers.js';

export interface TellingPace {
  /** How many workflows are told concurrently. */
  atOnce: number;
  perRound: number;
  /** While many machines wait for an answer, those go first: workflows are told only of what has waited for this long. */
  stormWaitS: number;
  /** How long a relay that was killed holds up what it was about to tell. */
  leaseS: number;
  idleMs: number;
  failedS: number;
  /** A workflow that refuses a message for so long, while others take theirs, is not told. */
  givenUpS: number;
  countEveryMs: number;
}

export const usualTellingPace: TellingPace = {
  ...{ atOnce: 16, perRound: 64, stormWaitS: 15, leaseS: 30 },
  ...{ idleMs: 150, failedS: 5, givenUpS: 600, countEveryMs: 5_000 },
};

/** As many make a storm. */
const storm = 16;
/** Then they are told one after the other, a few between two looks whether the storm is over. */
const perRoundInStorm = 8;

interface Deps {
  pool: Pool;
  signals: Pick<ProviderSignals, 'registrationReceived'>;
  logger: Logger;
}

/**
 * Tells workflows of the registrations that workers have answered, and of those that nobody has answered in time. A crash
 * after a signal repeats it; the workflow knows the message by its id.
 */
export function tellWorkflows(
  { pool, signals, logger }: Deps,
  pace: TellingPace = usualTellingPace,
): { ready(): Readiness; stop(): Promise<void> } {
  const leave = new AbortController();
  let failure: string | undefined;
  let countAtMs = 0;
  const running = loop();

  async function loop(): Promise<void> {
    while (!leave.signal.aborted) {
      let told = 0;
      try {
        told = await tellSome();
        if (Date.now() >= countAtMs) {
          await count();
          countAtMs = Date.now() + pace.countEveryMs;
        }
      } catch (error) {
        failure = 'the database does not answer';
        logger.warn({ err: error }, 'workflows cannot be told of registrations for now');
      }
      if (told === 0) await sleep(pace.idleMs, undefined, { signal: leave.signal }).catch(() => undefined);
    }
  }

  /** @returns how many were told. */
  async function tellSome(): Promise<number> {
    const isStorm = (await countUnanswered(pool, storm)) >= storm;
    const which = isStorm ? { limit: perRoundInStorm, olderThanS: pace.stormWaitS } : { limit: pace.perRound };
    const untold = await claimUntold(pool, { ...which, leaseS: pace.leaseS });
    let told = 0;
    let outage: string | undefined;
    await sideBySide(untold, isStorm ? 1 : pace.atOnce, async (registration) => {
      const { messageId, providerId, waitedS } = registration;
      try {
        // During an outage, and at the stop, the rest of the round would only wait for its time-outs.
        if (outage !== undefined || leave.signal.aborted) return await releaseClaim(pool, messageId, 0);
        await tell(registration);
        told += 1;
      } catch (error) {
        const isOutage = error instanceof BrokerError && error.code === 'dependency_unavailable';
        if (isOutage) outage = 'Temporal or the database does not answer';
        logger.warn({ err: error, providerId, messageId }, 'a workflow could not be told of a registration');
        const isGivenUp = !isOutage && waitedS > pace.givenUpS;
        await (isGivenUp ? markTold(pool, messageId) : releaseClaim(pool, messageId, pace.failedS));
      }
    });
    failure = outage;
    return told;
  }

  async function tell({ providerId, messageId, sender, answer }: UntoldRegistration): Promise<void> {
    await signals.registrationReceived(providerId, messageId, { sender, answer });
    await markTold(pool, messageId);
  }

  async function count(): Promise<void> {
    const { unanswered, untold, oldestS } = await deskBacklog(pool);
    registrationsAtDesk.set({ state: 'unanswered' }, unanswered);
    registrationsAtDesk.set({ state: 'untold' }, untold);
    registrationsOldestAtDeskSeconds.set(oldestS);
  }

  return {
    ready: () => ({ relay_workflows: failure === undefined ? { ok: true } : { ok: false, detail: failure } }),
    async stop() {
      leave.abort();
      await running;
    },
  };
}
