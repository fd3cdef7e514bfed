import {
  allHandlersFinished,
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
import { isFinal, sshCommand, type Placement } from '../src/domain/job.js';
import { instantAt, type Instant } from '../src/domain/outside.js';
import { cancelled, expired, failed, podEnded, type Ending } from './job-endings.js';
import { takeExtensions } from './job-extensions.js';
import { awaitsJob, findMachine, heldAgainst, tellOut, tellProvider, type Placed } from './job-placement.js';
import { absenceOf, createServiceRecord, recordedGap } from './job-service.js';
import { failureOf, jobRecord, jobTeardown, pods } from './job-steps.js';
import {
  cancelJob,
  cancelRequested,
  jobState,
  podObserved,
  providerChanged,
  providerDraining,
  sshReady,
  type JobInput,
  type JobState,
  type RunningJob,
} from './job-messages.js';
import { searchAttributes } from './search-attributes.js';
import { createPodSightings } from './pod-sightings.js';
import { createProviderTie } from './provider-tie.js';

/**
 * How often a running pod is looked at, should the watcher's signal be missing; the fleet reconciler looks every minute,
 * so this is the last resort.
 */
const runningRecheckMs = 60 * 60 * 1000;

/**
 * The life of a job: place it, make its pod, wait for SSH, serve until it expires, is cancelled or is lost, then give
 * everything back. Whatever happens in between, the end releases the pod, the service and the allocation, and the job
 * counts as ended only after Kubernetes confirmed that the pod is gone.
 */
export async function jobLifecycle(input: JobInput): Promise<JobState> {
  const { order, limits } = input;
  const state: JobState = { status: input.running === undefined ? 'pending' : 'running' };
  const sightings = createPodSightings();
  const provider = createProviderTie(input.running?.provider ?? {}, limits, order, input.running?.placement.providerId);
  const service = createServiceRecord(order.jobId, provider);
  let running = input.running;
  let cancelledBy: string | undefined;
  let held: 'nothing' | 'capacity' | 'pod' = 'nothing';
  const steps = new CancellationScope({ cancellable: true });

  setHandler(jobState, () => state);
  setHandler(podObserved, sightings.add);
  setHandler(providerChanged, provider.hear);
  setHandler(providerDraining, provider.hearDrain);
  setHandler(sshReady, async () => {
    await CancellationScope.nonCancellable(() => condition(() => state.ssh !== undefined || isFinal(state.status)));
    return state;
  });
  const cancel = ({ by }: { by: string }): void => {
    cancelledBy ??= by;
    steps.cancel();
  };
  setHandler(cancelRequested, cancel);
  setHandler(cancelJob, async (request) => {
    cancel(request);
    await CancellationScope.nonCancellable(() => condition(() => isFinal(state.status)));
    return state;
  });
  const extensions = takeExtensions({
    order,
    limits,
    known: input.running?.extensions ?? [],
    state: () => state,
    running: () => running,
    draining: () => provider.news().drain !== undefined,
    extended: (job) => {
      if (state.status !== 'running') return;
      state.expiresAt = new Date(job.expiresAtMs).toISOString();
      showRunning(job);
    },
  });

  let ending: Ending;
  try {
    ending = await steps.run(async () => {
      if (running === undefined) {
        const found = await findMachine({
          ...{ order, limits, provider, sightings, details, isAt },
          firstAttempt: input.attempt ?? 1,
          holds: (what) => void (held = what),
        });
        if ('status' in found) return found;
        running = await begin(found);
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

  function isAt(placement: Placement | undefined): void {
    if (placement === undefined) {
      state.status = 'pending';
      delete state.placement;
      upsertSearchAttributes([{ key: searchAttributes.jobStatus, value: 'pending' }]);
      return;
    }
    state.status = 'provisioning';
    state.placement = placement;
    upsertSearchAttributes([
      { key: searchAttributes.jobStatus, value: 'provisioning' },
      { key: searchAttributes.providerId, value: placement.providerId },
      { key: searchAttributes.gpuType, value: placement.gpuType ?? 'none' },
    ]);
  }

  /** From here on the customer can log in, and the time counts. */
  async function begin({ placement, ssh, podUid }: Placed): Promise<RunningJob> {
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
    // Whatever came before costs nothing anyway.
    provider.forgetGaps(provider.gaps());
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
    showServing(job);
  }

  /** Serves until something ends the job; an extension moves the deadline while this waits. */
  async function serve(job: RunningJob): Promise<Ending> {
    for (;;) {
      await service.keep();
      const known = { pod: sightings.of(job.podUid), expiresAtMs: job.expiresAtMs, provider: provider.news() };
      const { pod } = known;
      if (Date.now() >= job.expiresAtMs) {
        if (!extensions.underWay()) return expired;
        // Somebody may have paid for more time, and hears of it in a moment.
        await condition(() => !extensions.underWay());
        continue;
      }
      if (pod !== undefined && pod.phase !== 'running' && pod.phase !== 'pending') {
        return podEnded(pod, job.placement.providerId, known.provider, Date.now());
      }
      // In one go with what was just looked at: nothing can come in between and be forgotten.
      if (historyIsLong()) await startOver(job);
      const parting = await provider.parting(job.placement);
      if (parting !== undefined) return parting;
      showServing(job);
      const wakeMs = Math.min(job.expiresAtMs, provider.partsAtMs());
      const heard = await condition(
        () =>
          sightings.of(job.podUid) !== known.pod ||
          job.expiresAtMs !== known.expiresAtMs ||
          provider.news() !== known.provider ||
          historyIsLong(),
        Math.max(1, Math.min(wakeMs, Date.now() + runningRecheckMs) - Date.now()),
      );
      if (!heard && Date.now() < wakeMs) sightings.add(await pods.inspectJob(order, job.podUid));
    }
  }

  function historyIsLong(): boolean {
    return workflowInfo().continueAsNewSuggested && allHandlersFinished();
  }

  async function startOver(job: RunningJob): Promise<void> {
    await continueAsNew<(input: JobInput) => Promise<JobState>>({
      order,
      limits,
      running: { ...job, extensions: [], provider: provider.news() },
    });
  }

  function showServing(job: RunningJob): void {
    const { away, drain } = provider.news();
    if (away !== undefined) {
      const endsAt = new Date(provider.partsAtMs()).toISOString();
      details(`${absenceOf(provider.news())}; the job ends at ${endsAt} unless that changes`);
    } else if (drain?.untilMs !== undefined) {
      details(
        `the provider is being taken out of service; the job ends at ${new Date(drain.untilMs).toISOString()} at the latest`,
      );
    } else {
      details(
        `running on ${job.placement.nodeName} until ${new Date(job.expiresAtMs).toISOString()}: ${sshCommand(job.ssh)}`,
      );
    }
  }

  /** Gives everything back, in the reverse order of taking, and says so only then. */
  async function end(ending: Ending): Promise<JobState> {
    const { status, message, failure, podEndedAt, lastSeenMs, startFailure } = ending;
    const endAt = instantAt(Date.now());
    const { away } = provider.news();
    // Whatever ends the job: what a provider that is away did not serve is not paid for.
    const seenMs = Math.min(lastSeenMs ?? Infinity, away?.sinceMs ?? Infinity);
    // Also of a job that is cancelled or expires: its pod may have been over before, and nobody have heard of it.
    const podEnds = [podEndedAt, running && sightings.of(running.podUid)?.endedAt];
    let isHindered: boolean | undefined;
    if (held === 'pod') {
      state.status = 'ending';
      upsertSearchAttributes([{ key: searchAttributes.jobStatus, value: 'ending' }]);
      details(`${message}; removing the pod`);
      await jobRecord.recordEnding(order.jobId, message);
      const removed = await jobTeardown.teardownJob(order);
      // Versions up to 0.1.0 answered nothing.
      podEnds.push(removed?.podEndedAt);
      isHindered = removed?.isHindered;
    }
    details(`${message}; releasing the capacity`);
    const released = await jobRecord.releaseJob(order, {
      status,
      message,
      endAt,
      gaps: provider.gaps().map(recordedGap),
      ...earliestOf(podEnds),
      ...(seenMs === Infinity ? {} : { lastSeen: instantAt(seenMs) }),
      ...(failure === undefined ? {} : { failure }),
      ...(startFailure === undefined ? {} : { startFailure: heldAgainst(startFailure, isHindered) }),
    });
    state.status = status;
    if (failure !== undefined) state.failure = failure;
    upsertSearchAttributes([{ key: searchAttributes.jobStatus, value: status }]);
    details(message);
    const { drain } = provider.news();
    if (state.placement !== undefined) {
      if (awaitsJob({ ...(drain && { drain }), ...(away && { away }) })) await tellProvider(state.placement);
      // Versions up to 0.1.0 answered nothing here, either.
      if (released?.isOut === true) await tellOut(state.placement);
    }
    await condition(allHandlersFinished);
    return state;
  }

  function details(text: string): void {
    setCurrentDetails(`**${state.status}** since ${new Date().toISOString()}: ${text}`);
  }
}

function earliestOf(podEnds: readonly (Instant | undefined)[]): { podEndedAt?: Instant } {
  const [podEndedAt] = podEnds.filter((end) => end !== undefined).sort();
  return podEndedAt === undefined ? {} : { podEndedAt };
}
