/**
 * The life of a job, from the order to the bill.
 *
 * **Flow.** Place the job, create its pod, wait for SSH, serve until it expires, is cancelled, ends by itself or is
 * lost, then release everything. If a machine does not start the job, the job moves to another one. Extensions move the
 * expiry while it runs. Whatever happens in between, the end releases the pod, the Service and the allocation, and the
 * job counts as ended only after Kubernetes confirmed that the pod is gone, or a machine was given time enough to end it.
 *
 * **Why durable.** A job runs for days and holds machines and money. A broker that crashes on any line must neither
 * forget a pod nor bill for one that is gone.
 *
 * **Retries.** Writes to Postgres and the teardown are retried until they succeed, with pauses from a fifth of a second
 * to 15 seconds: no job ends without them. The start has `startTimeoutS` for all machines together, and tries at most
 * five of them; a machine that does not get as far as the customer's image gets a third of that time. A provider that
 * is away has `providerLossGraceS` to come back. A running pod is polled once an hour, in case a signal about it was
 * lost.
 *
 * **End.** It completes with the final `JobState` once everything is released. A long history continues in a new run,
 * which gets what `RunningJob` holds.
 */
import { CancellationScope, condition, ContinueAsNew, isCancellation, setHandler } from '@temporalio/workflow';
import { isFinal } from '../src/domain/job.js';
import { end } from './job-end.js';
import { cancelled, failed, type Ending } from './job-endings.js';
import { takeExtensions } from './job-extensions.js';
import { takeKeys } from './job-keys.js';
import { beginJob, details, isAt, resume, showRunning, type JobLife } from './job-life.js';
import {
  cancelJob,
  cancelRequested,
  jobState,
  podObserved,
  providerChanged,
  providerDraining,
  recordedSteps,
  sshReady,
  type Cancellation,
  type JobInput,
  type JobState,
} from './job-messages.js';
import { findMachine } from './job-placement.js';
import { stepsOfThisRun } from './job-recorded.js';
import { begin, serve } from './job-serve.js';
import { failureOf } from './job-steps.js';

/** Runs one job through its life, as the head of this file describes it. */
export async function jobLifecycle(input: JobInput): Promise<JobState> {
  const life = beginJob(input);
  const steps = new CancellationScope({ cancellable: true });
  const extensions = listen(life, input, () => steps.cancel());

  let ending: Ending;
  try {
    ending = await steps.run(async () => {
      if (life.running === undefined) {
        const found = await findMachine(placing(life, input));
        if (found.kind === 'not_started') return found.ending;
        life.running = await begin(life, found);
        if (found.ended !== undefined) return found.ended;
      } else {
        life.held = 'pod';
        resume(life, life.running);
      }
      return await serve(life, life.running, extensions);
    });
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const { cancellation } = life;
    const isCancelled = cancellation !== undefined || isCancellation(error);
    ending = isCancelled ? cancelled(cancellation, life.order.wallet) : failed(failureOf(error));
  }
  return await CancellationScope.nonCancellable(() => end(life, ending));
}

/** What the search for a machine needs to know about the job. */
function placing(life: JobLife, input: JobInput): Parameters<typeof findMachine>[0] {
  const { order, limits, provider, observations, unreached } = life;
  return {
    ...{ order, limits, provider, observations, unreached },
    firstAttempt: input.attempt ?? 1,
    details: (text) => details(life, text),
    isAt: (placement) => isAt(life, placement),
    holds: (what) => void (life.held = what),
  };
}

/** Registers the handlers for everything that a job is told or asked. */
function listen(life: JobLife, input: JobInput, cancelSteps: () => void): ReturnType<typeof takeExtensions> {
  const { order, limits, state, provider } = life;
  const cancel = (cancellation: Cancellation): void => {
    life.cancellation ??= cancellation;
    cancelSteps();
  };

  setHandler(jobState, () => state);
  setHandler(recordedSteps, stepsOfThisRun);
  setHandler(podObserved, life.observations.add);
  setHandler(providerChanged, provider.hear);
  setHandler(providerDraining, provider.hearDrain);
  setHandler(sshReady, async () => {
    await CancellationScope.nonCancellable(() => condition(() => state.ssh !== undefined || isFinal(state.status)));
    return state;
  });
  setHandler(cancelRequested, cancel);
  takeKeys(life);
  setHandler(cancelJob, async (request) => {
    cancel(request);
    await CancellationScope.nonCancellable(() => condition(() => isFinal(state.status)));
    return state;
  });
  return takeExtensions({
    order,
    limits,
    known: input.running?.extensions ?? [],
    state: () => state,
    running: () => life.running,
    draining: () => provider.news().drain !== undefined,
    extended(job) {
      if (state.status !== 'running') return;
      state.expiresAt = new Date(job.expiresAtMs).toISOString();
      showRunning(life, job);
    },
  });
}
