import { ApplicationFailure, patched, setHandler } from '@temporalio/workflow';
import { isFinal, type JobOrder } from '../src/domain/job.js';
import { jobRecord } from './job-steps.js';
import { extendJob, type JobExtension, type JobLimits, type JobState, type RunningJob } from './job-messages.js';
import type { ErrorCode } from '../src/wire/error-codes.js';

interface Extending {
  order: JobOrder;
  limits: JobLimits;
  /** Requests that moved the expiry in earlier runs, as far as those versions remembered them. */
  known: readonly string[];
  state(): JobState;
  running(): RunningJob | undefined;
  draining(): boolean;
  /** The expiry of the job has moved. */
  extended(job: RunningJob): void;
}

/**
 * Takes extensions of a running job. The ledger decides in one transaction whether an extension is new, allowed and
 * paid for, and what the expiry is then; the workflow follows it.
 */
export function takeExtensions({ order, limits, known, state, running, draining, extended }: Extending) {
  const seen = new Set(known);
  let underWay = 0;
  let before: Promise<unknown> = Promise.resolve();

  setHandler(
    extendJob,
    async (extension) => {
      const job = running()!;
      if (!patched('the-ledger-decides-extensions')) return await extendAsBefore(job, extension);
      underWay++;
      // One after the other: a replay may receive the results of concurrent calls in another order.
      const turn = before.then(() => extendByLedger(job, extension));
      before = turn.catch(() => undefined);
      try {
        return await turn;
      } finally {
        underWay--;
      }
    },
    {
      validator(_: JobExtension) {
        const { status } = state();
        if (status !== 'running' || running() === undefined) {
          const over = isFinal(status) || status === 'ending';
          refuse(over ? 'job_ended' : 'job_not_running', `the job is ${status}`);
        }
        if (draining()) refuse('provider_drained', 'its provider is being taken out of service');
      },
    },
  );

  return {
    /** True while the ledger is deciding: the expiry may be about to move. */
    underWay: () => underWay > 0,
  };

  async function extendByLedger(job: RunningJob, extension: JobExtension) {
    const { maxDurationS } = limits;
    const { expiresAt } = await jobRecord.recordExtension({ order, maxDurationS, ...extension });
    const expiresAtMs = Date.parse(expiresAt);
    if (expiresAtMs > job.expiresAtMs) {
      job.expiresAtMs = expiresAtMs;
      extended(job);
    }
    return { expiresAt };
  }

  /** The steps of versions up to 0.1.0, for jobs whose history has them. */
  async function extendAsBefore(job: RunningJob, { requestId, seconds, sessionId }: JobExtension) {
    if (!seen.has(requestId)) {
      seen.add(requestId);
      job.expiresAtMs += seconds * 1000;
      try {
        const { maxDurationS } = limits;
        await jobRecord.recordExtension({ order, maxDurationS, requestId, seconds, sessionId });
      } catch (error) {
        seen.delete(requestId);
        job.expiresAtMs -= seconds * 1000;
        throw error;
      }
      extended(job);
    }
    return { expiresAt: new Date(job.expiresAtMs).toISOString() };
  }
}

function refuse(code: ErrorCode, detail: string): never {
  throw ApplicationFailure.nonRetryable(detail, code);
}
