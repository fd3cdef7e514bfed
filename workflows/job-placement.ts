import { getExternalWorkflowHandle, patched } from '@temporalio/workflow';
import type { StartFailure } from '../activities/job-outcome.js';
import type { Placement } from '../src/domain/job.js';
import { providerWorkflowId } from '../src/domain/provider.js';
import type { Ending } from './job-endings.js';
import { bringUp, type NotStarted, type Provisioned } from './job-start.js';
import type { JobStart } from './job-starting.js';
import { jobRecord, jobTeardown } from './job-steps.js';
import type { ProviderNews } from './job-messages.js';
import { jobLeft, placementChanged } from './provider-messages.js';
import type { UnreachedMachines } from './unreached-machines.js';

/** A job tries at most this many machines: if all of them fail it, the machines are hardly the cause. */
const maxPlacements = 5;

/** A job that needs a machine. */
export interface JobPlacing extends Omit<JobStart, 'placement' | 'beforeMs'> {
  /** The number of the first placement. */
  firstAttempt: number;
  unreached: UnreachedMachines;
  /** Records the most that may have to be released from here on. */
  holds(what: 'capacity' | 'pod'): void;
  /** Records where the job is placed; undefined after it has left. */
  isAt(placement: Placement | undefined): void;
}

/** A job that was brought up, and where. */
export type Placed = Provisioned & { placement: Placement };

/**
 * Places a job and starts it. If a machine does not start it, tries another one. All attempts share the time limit of
 * one start.
 */
export async function findMachine(placing: JobPlacing): Promise<Placed | NotStarted> {
  let attempt = placing.firstAttempt;
  let placement = await place(placing, attempt);
  const beforeMs = Date.now() + placing.limits.startTimeoutS * 1000;
  for (;;) {
    placing.holds('pod');
    const made = await bringUp({ ...placing, placement, beforeMs });
    if (made.kind === 'provisioned') return { ...made, placement };
    const { ending } = made;
    const goesOn = mayGoOn(placing, ending, attempt) && Date.now() < beforeMs;
    if (!goesOn || !patched('a-start-goes-on-elsewhere')) {
      if (ending.fault === undefined) return made;
      const last = placing.unreached.endedBy(startFailure(placement, attempt, ending));
      return { kind: 'not_started', ending: { ...ending, startFailure: last } };
    }
    await leave(placing, placement, attempt, ending);
    placement = await place(placing, ++attempt);
  }
}

function mayGoOn({ order }: JobPlacing, { fault }: Ending, attempt: number): boolean {
  return fault !== undefined && order.providerId === undefined && attempt < maxPlacements;
}

async function place({ order, provider, details, holds, isAt }: JobPlacing, attempt: number): Promise<Placement> {
  details(`looking for ${order.gpuCount} × ${order.gpuType ?? 'any GPU'}`);
  // Whatever the call returned, and even if it failed: there may be capacity to release from here on.
  holds('capacity');
  const placement = await (attempt === 1 ? jobRecord.placeJob(order) : jobRecord.placeJob(order, attempt));
  provider.placed(placement.providerId);
  isAt(placement);
  return placement;
}

/**
 * Moves a job away from a machine that does not start it. Its GPUs and the names of its objects are free only once its
 * pod is gone.
 */
async function leave(placing: JobPlacing, placement: Placement, attempt: number, why: Ending): Promise<void> {
  const { order, provider, unreached, details, holds, isAt } = placing;
  const isAwaited = awaitsJob(provider.news());
  details(`${why.message}; trying another provider`);
  const { isHindered } = await jobTeardown.teardownJob(order, placement);
  holds('capacity');
  provider.leave();
  const failure = heldAgainst(startFailure(placement, attempt, why), isHindered);
  const { message, failure: { words } = {} } = why;
  const told = { ...unreached.leftBy(failure), message, ...(words === undefined ? {} : { words }) };
  const { isOut } = await jobRecord.leaveProvider(order, told);
  isAt(undefined);
  if (isAwaited) await tellProvider(placement);
  if (isOut === true) await tellOut(placement);
}

/** The record of a failed start. */
export function startFailure({ providerId }: Placement, attempt: number, { failure, fault }: Ending): StartFailure {
  const reason = failure?.reason ?? 'provider_lost';
  const shown = reason === 'ports_unreachable' ? { shown: failure!.message } : {};
  return { providerId, attempt, reason, fault: fault ?? 'possible', ...shown };
}

/** Clears the machine if its node showed another possible cause. */
export function heldAgainst(failure: StartFailure, isHindered = false): StartFailure {
  return isHindered ? { ...failure, fault: 'possible' } : failure;
}

/** Whether a provider waits for its jobs to leave: it is being drained, or has fewer GPUs than are rented. */
export function awaitsJob({ drain, away }: Pick<ProviderNews, 'drain' | 'away'>): boolean {
  return drain !== undefined || away?.cause === 'gpu_lost';
}

/**
 * Tells such a provider that the job has left; if the signal is lost, the provider counts its jobs again after a while.
 */
export async function tellProvider(placement: Placement): Promise<void> {
  await unlessOver(workflowOf(placement).signal(jobLeft));
}

/** Tells a provider that it is out of placement, so that operators see it in what the workflow waits for. */
export async function tellOut(placement: Pick<Placement, 'providerId'>): Promise<void> {
  await unlessOver(workflowOf(placement).signal(placementChanged));
}

function workflowOf({ providerId }: Pick<Placement, 'providerId'>) {
  return getExternalWorkflowHandle(providerWorkflowId(providerId));
}

async function unlessOver(signalling: Promise<void>): Promise<void> {
  try {
    await signalling;
  } catch {
    // The provider's workflow has ended.
  }
}
