import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ErrorCode } from '../src/domain/errors.js';
import { isFinal, sshCommand, type FinalJobStatus, type JobFailure, type Placement } from '../src/domain/job.js';
import { failureOf, jobRecord, jobTeardown, pods } from './job-steps.js';
import {
  cancelJob,
  extendJob,
  jobState,
  podObserved,
  providerChanged,
  searchAttributes,
  sshReady,
  type JobInput,
  type JobState,
  type PodObservation,
  type RunningJob,
} from './messages.js';

/** How a job's life ends: what its row will say. */
interface Ending {
  status: FinalJobStatus;
  message: string;
  failure?: JobFailure;
  /** Until when the customer was served, where that is not the moment of the end. */
  servedUntilMs?: number;
}

/** How often a pod that should be on its way is looked at, should the watcher's signal be missing: seconds. */
const startRecheckS = [5, 15, 30, 60];
/** The same while the pod runs; the fleet reconciler looks every minute, so this is the last resort. */
const runningRecheckMs = 60 * 60 * 1000;

/**
 * The life of a job: place it, make its pod, wait for SSH, serve until it expires, is cancelled or is lost, then give
 * everything back. Whatever happens in between, the end releases the pod, the service and the allocation, and the job
 * counts as ended only after Kubernetes confirmed that the pod is gone.
 */
export async function jobLifecycle(input: JobInput): Promise<JobState> {
  const { order, limits } = input;
  const state: JobState = { status: input.running === undefined ? 'pending' : 'running' };
  const extensions = new Set(input.running?.extensions);
  let running = input.running;
  let pod: PodObservation | undefined;
  let providerAwaySinceMs: number | undefined;
  let cancelledBy: string | undefined;
  let held: 'nothing' | 'capacity' | 'pod' = 'nothing';
  const steps = new CancellationScope({ cancellable: true });

  setHandler(jobState, () => state);
  setHandler(podObserved, (observation) => {
    if (isNewer(observation, pod)) pod = observation;
  });
  setHandler(providerChanged, ({ online }) => {
    if (!online) providerAwaySinceMs ??= Date.now();
    else providerAwaySinceMs = undefined;
  });
  setHandler(sshReady, async () => {
    await CancellationScope.nonCancellable(() => condition(() => state.ssh !== undefined || isFinal(state.status)));
    return state;
  });
  setHandler(cancelJob, async ({ by }) => {
    cancelledBy ??= by;
    steps.cancel();
    await CancellationScope.nonCancellable(() => condition(() => isFinal(state.status)));
    return state;
  });
  setHandler(
    extendJob,
    async ({ requestId, seconds }) => {
      const job = running!;
      if (!extensions.has(requestId)) {
        extensions.add(requestId);
        job.expiresAtMs += seconds * 1000;
        const expiresAt = new Date(job.expiresAtMs).toISOString();
        try {
          await jobRecord.recordExtension({ order, requestId, seconds, expiresAt, pricePerHour: job.placement.pricePerHour });
        } catch (error) {
          extensions.delete(requestId);
          job.expiresAtMs -= seconds * 1000;
          throw error;
        }
        state.expiresAt = expiresAt;
        showRunning(job);
      }
      return { expiresAt: new Date(job.expiresAtMs).toISOString() };
    },
    {
      validator({ seconds }) {
        if (state.status !== 'running' || running === undefined) {
          refuse(isFinal(state.status) || state.status === 'ending' ? 'job_ended' : 'job_not_running', `the job is ${state.status}`);
        }
        if (!(seconds > 0)) refuse('validation_failed', 'an extension must be longer than nothing');
        const lastExpiryMs = running.startedAtMs + limits.maxDurationS * 1000;
        if (running.expiresAtMs + seconds * 1000 > lastExpiryMs) {
          refuse('duration_limit', `the job may last until ${new Date(lastExpiryMs).toISOString()} at most`);
        }
      },
    },
  );

  let ending: Ending;
  try {
    ending = await steps.run(async () => {
      if (running === undefined) {
        const placement = await place();
        const { ssh, podUid } = await provision(placement);
        const problem = await awaitSsh(podUid);
        if (problem !== undefined) return problem;
        running = await begin(placement, ssh, podUid);
      } else {
        held = 'pod';
        resume(running);
      }
      return await serve(running);
    });
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    ending = cancelledBy === undefined && !isCancellation(error) ? failed(failureOf(error)) : cancelled(cancelledBy);
  }
  return await CancellationScope.nonCancellable(() => end(ending));

  // ---- The steps, in the order of a job's life

  async function place(): Promise<Placement> {
    details(`looking for ${order.gpuCount} × ${order.gpuType ?? 'any GPU'}`);
    // Whatever the answer was, and even if none came: from here on there may be capacity to give back.
    held = 'capacity';
    const placement = await jobRecord.placeJob(order);
    state.status = 'provisioning';
    state.placement = placement;
    upsertSearchAttributes([
      { key: searchAttributes.jobStatus, value: 'provisioning' },
      { key: searchAttributes.providerId, value: placement.providerId },
      { key: searchAttributes.gpuType, value: placement.gpuType ?? 'none' },
    ]);
    return placement;
  }

  async function provision(placement: Placement) {
    details(`creating the pod on ${placement.nodeName}`);
    held = 'pod';
    return await pods.provisionJob(order, placement);
  }

  /** Waits until the pod is Ready; answers why the job ends when it will not be. */
  async function awaitSsh(podUid: string): Promise<Ending | undefined> {
    const deadlineMs = Date.now() + limits.startTimeoutS * 1000;
    let stuckSinceMs: number | undefined;
    for (let attempt = 0; ; attempt++) {
      const nowMs = Date.now();
      if (pod !== undefined && pod.uid === podUid) {
        if (pod.phase === 'running') return undefined;
        if (pod.phase !== 'pending') return ended(pod);
      }
      stuckSinceMs = pod?.stuck === undefined ? undefined : (stuckSinceMs ?? nowMs);
      if (pod?.stuck !== undefined && nowMs - stuckSinceMs! >= limits.stuckGraceS * 1000) {
        return failed({ reason: pod.stuck.reason, message: pod.stuck.message });
      }
      if (nowMs >= deadlineMs) {
        return failed({ reason: 'start_timeout', message: `the pod was not ready within ${limits.startTimeoutS} s` });
      }
      if (providerAwaySinceMs !== undefined && nowMs - providerAwaySinceMs >= limits.providerLossGraceS * 1000) {
        return lost();
      }
      details(
        pod?.stuck === undefined
          ? `waiting for the pod on ${state.placement?.nodeName} to answer on its SSH port`
          : `stuck, ${pod.stuck.reason}: ${pod.stuck.message}`,
      );
      const before = pod;
      const recheckMs = (startRecheckS[attempt] ?? startRecheckS.at(-1)!) * 1000;
      const wakeMs = Math.min(
        deadlineMs,
        nowMs + recheckMs,
        stuckSinceMs === undefined ? Infinity : stuckSinceMs + limits.stuckGraceS * 1000,
        providerAwaySinceMs === undefined ? Infinity : providerAwaySinceMs + limits.providerLossGraceS * 1000,
      );
      const awayBefore = providerAwaySinceMs;
      const heard = await condition(() => pod !== before || providerAwaySinceMs !== awayBefore, wakeMs - nowMs);
      if (!heard) pod = await pods.inspectJob(order, podUid);
    }
  }

  /** From here on the customer can log in, and the time counts. */
  async function begin(placement: Placement, ssh: RunningJob['ssh'], podUid: string): Promise<RunningJob> {
    const startedAtMs = Date.now();
    const job: RunningJob = {
      placement,
      ssh,
      podUid,
      startedAtMs,
      expiresAtMs: startedAtMs + order.durationSeconds * 1000,
      extensions: [],
    };
    await jobRecord.recordRunning(order, {
      ssh,
      podUid,
      startedAt: new Date(startedAtMs).toISOString(),
      expiresAt: new Date(job.expiresAtMs).toISOString(),
    });
    resume(job);
    return job;
  }

  function resume(job: RunningJob): void {
    state.status = 'running';
    state.placement = job.placement;
    state.ssh = job.ssh;
    state.expiresAt = new Date(job.expiresAtMs).toISOString();
    showRunning(job);
  }

  function showRunning(job: RunningJob): void {
    upsertSearchAttributes([
      { key: searchAttributes.jobStatus, value: 'running' },
      { key: searchAttributes.expiresAt, value: new Date(job.expiresAtMs) },
    ]);
    details(`running on ${job.placement.nodeName} until ${new Date(job.expiresAtMs).toISOString()}: ${sshCommand(job.ssh)}`);
  }

  /** Serves until something ends the job; an extension moves the deadline while this waits. */
  async function serve(job: RunningJob): Promise<Ending> {
    for (;;) {
      const nowMs = Date.now();
      if (nowMs >= job.expiresAtMs) return { status: 'expired', message: 'the rented time is over' };
      if (pod !== undefined && pod.uid === job.podUid && pod.phase !== 'running' && pod.phase !== 'pending') return ended(pod);
      const graceEndsMs = providerAwaySinceMs === undefined ? Infinity : providerAwaySinceMs + limits.providerLossGraceS * 1000;
      if (nowMs >= graceEndsMs) return lost();
      if (workflowInfo().continueAsNewSuggested && providerAwaySinceMs === undefined) {
        await condition(allHandlersFinished);
        await continueAsNew<(input: JobInput) => Promise<JobState>>({
          order,
          limits,
          running: { ...job, extensions: [...extensions].slice(-64) },
        });
      }
      if (providerAwaySinceMs !== undefined) {
        details(`the provider is away; the job ends at ${new Date(graceEndsMs).toISOString()} unless it comes back`);
      }
      const before = { pod, expiresAtMs: job.expiresAtMs, awaySinceMs: providerAwaySinceMs };
      const heard = await condition(
        () =>
          pod !== before.pod || job.expiresAtMs !== before.expiresAtMs || providerAwaySinceMs !== before.awaySinceMs,
        Math.min(job.expiresAtMs, graceEndsMs, nowMs + runningRecheckMs) - nowMs,
      );
      if (!heard && Date.now() < Math.min(job.expiresAtMs, graceEndsMs)) pod = await pods.inspectJob(order, job.podUid);
      if (before.awaySinceMs !== undefined && providerAwaySinceMs === undefined) showRunning(job);
    }
  }

  /** Gives everything back, in the reverse order of taking, and says so only then. */
  async function end({ status, message, failure, servedUntilMs = Date.now() }: Ending): Promise<JobState> {
    const servedUntil = new Date(Math.min(servedUntilMs, running?.expiresAtMs ?? Infinity)).toISOString();
    if (held === 'pod') {
      state.status = 'ending';
      upsertSearchAttributes([{ key: searchAttributes.jobStatus, value: 'ending' }]);
      details(`${message}; removing the pod`);
      await jobRecord.recordEnding(order.jobId, message);
      await jobTeardown.teardownJob(order);
    }
    details(`${message}; releasing the capacity`);
    const outcome = { status, message, servedUntil, ...(failure === undefined ? {} : { failure }) };
    await jobRecord.releaseJob(order, outcome);
    state.status = status;
    if (failure !== undefined) state.failure = failure;
    upsertSearchAttributes([{ key: searchAttributes.jobStatus, value: status }]);
    details(message);
    await condition(allHandlersFinished);
    return state;
  }

  // ---- How a job can end

  function failed(failure: JobFailure): Ending {
    return { status: 'failed', message: failure.message, failure };
  }

  function cancelled(by: string | undefined): Ending {
    return { status: 'cancelled', message: `cancelled by ${by ?? 'an operator'}` };
  }

  function lost(): Ending {
    const message = `the provider ${state.placement?.providerId ?? ''} went away and did not come back in time`;
    return {
      status: 'provider_lost',
      message,
      failure: { reason: 'provider_lost', message },
      ...(providerAwaySinceMs === undefined ? {} : { servedUntilMs: providerAwaySinceMs }),
    };
  }

  function ended(observation: PodObservation): Ending {
    if (observation.phase === 'succeeded') return { status: 'completed', message: 'the container finished' };
    if (observation.phase === 'gone') return failed({ reason: 'pod_deleted', message: 'the pod was deleted from outside' });
    const exit = observation.exitCode === undefined ? '' : ` with exit code ${observation.exitCode}`;
    const why = observation.message === undefined ? '' : `: ${observation.message}`;
    return failed({ reason: 'container_exited', message: `the container stopped${exit}${why}` });
  }

  function details(text: string): void {
    setCurrentDetails(`**${state.status}** since ${new Date().toISOString()}: ${text}`);
  }
}

/** Observations may arrive twice or out of order: several watchers look at the same pod. */
function isNewer(observation: PodObservation, known: PodObservation | undefined): boolean {
  if (known === undefined || known.uid !== observation.uid) return true;
  if (known.phase === 'gone') return false;
  if (observation.phase === 'gone') return true;
  return Number(observation.resourceVersion) > Number(known.resourceVersion);
}

function refuse(code: ErrorCode, detail: string): never {
  throw ApplicationFailure.nonRetryable(detail, code);
}
