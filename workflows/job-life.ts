import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { sshCommand, type JobOrder, type Placement } from '../src/domain/job.js';
import type { Cancellation, JobInput, JobLimits, JobState, RunningJob } from './job-messages.js';
import { absenceOf, createServiceRecord } from './job-service.js';
import { createPodObservations, type PodObservations } from './pod-observations.js';
import { createProviderWatch, type ProviderWatch } from './provider-watch.js';
import { searchAttributes } from './search-attributes.js';
import { createUnreachedMachines, type UnreachedMachines } from './unreached-machines.js';

/** What the workflow of a job knows. Handlers and steps change it. */
export interface JobLife {
  readonly order: JobOrder;
  readonly limits: JobLimits;
  /** The state that updates and the query return. */
  readonly state: JobState;
  readonly observations: PodObservations;
  readonly provider: ProviderWatch;
  readonly service: ReturnType<typeof createServiceRecord>;
  readonly unreached: UnreachedMachines;
  /** Set as soon as the customer can log in. */
  running: RunningJob | undefined;
  cancellation: Cancellation | undefined;
  /** Since when it has the status that people were told last. */
  told: { status: JobState['status']; since: string } | undefined;
  /** The most that the end may have to release. */
  held: 'nothing' | 'capacity' | 'pod';
}

/** A job as its workflow starts with it, or continues it in a new run. */
export function beginJob({ order, limits, running }: JobInput): JobLife {
  const provider = createProviderWatch(running?.provider ?? {}, limits, order, running?.placement.providerId);
  return {
    order,
    limits,
    state: { status: running === undefined ? 'pending' : 'running' },
    observations: createPodObservations(),
    provider,
    service: createServiceRecord(order.jobId, provider),
    unreached: createUnreachedMachines(),
    running,
    cancellation: undefined,
    told: undefined,
    held: 'nothing',
  };
}

/**
 * For people: what the job waits for, and since when it has its status. Each try of a kubelet changes the text alone:
 * otherwise a job whose image never comes would always look as if it had just begun.
 */
export function details(life: JobLife, text: string): void {
  const { status } = life.state;
  if (life.told?.status !== status) life.told = { status, since: new Date().toISOString() };
  setCurrentDetails(`**${status}** since ${life.told.since}: ${text}`);
}

/** Sets where the job is placed; undefined after it has left. */
export function isAt({ state }: JobLife, placement: Placement | undefined): void {
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

/** Marks the job as running: how its customer logs in, and until when. */
export function resume(life: JobLife, job: RunningJob): void {
  const { state } = life;
  state.status = 'running';
  state.placement = job.placement;
  state.ssh = job.ssh;
  state.expiresAt = new Date(job.expiresAtMs).toISOString();
  showRunning(life, job);
}

/** Shows operators that the job runs, and until when. */
export function showRunning(life: JobLife, job: RunningJob): void {
  upsertSearchAttributes([
    { key: searchAttributes.jobStatus, value: 'running' },
    { key: searchAttributes.expiresAt, value: new Date(job.expiresAtMs) },
  ]);
  showServing(life, job);
}

/** Shows what a running job waits for: its expiry, or an earlier end that its provider may cause. */
export function showServing(life: JobLife, job: RunningJob): void {
  const { provider } = life;
  const { away, drain } = provider.news();
  if (away !== undefined) {
    const endsAt = new Date(provider.nextParting().atMs).toISOString();
    details(life, `${absenceOf(provider.news())}; the job ends at ${endsAt} unless that changes`);
  } else if (drain?.untilMs !== undefined) {
    const endsAt = new Date(drain.untilMs).toISOString();
    details(life, `the provider is being taken out of service; the job ends at ${endsAt} at the latest`);
  } else {
    const expiresAt = new Date(job.expiresAtMs).toISOString();
    details(life, `running on ${job.placement.nodeName} until ${expiresAt}: ${sshCommand(job.ssh)}`);
  }
}
