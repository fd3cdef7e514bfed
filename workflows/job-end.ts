import { allHandlersFinished, condition, patched, upsertSearchAttributes } from '@temporalio/workflow';
import type { JobFailure, JobOrder } from '../src/domain/job.js';
import { instantAt, type Instant } from '../src/domain/outside.js';
import type { Ending } from './job-endings.js';
import { details, type JobLife } from './job-life.js';
import type { JobState } from './job-messages.js';
import { awaitsJob, heldAgainst, tellOut, tellProvider } from './job-placement.js';
import { recordedGap } from './job-service.js';
import { jobLogs, jobRecord, jobTeardown } from './job-steps.js';
import { searchAttributes } from './search-attributes.js';

/** Releases everything the job holds, in the reverse order of taking it, and only then reports the end. */
export async function end(life: JobLife, ending: Ending): Promise<JobState> {
  const { order, provider, state } = life;
  const { status, message, endedBy, failure, podEndedAt, startFailure, exitCode } = ending;
  const endAt = endOf(life);
  const { away } = provider.news();
  const lastSeen = lastSeenOf(ending, away);
  // Cancelled and expired jobs, too: the pod may have ended earlier without the workflow hearing of it.
  const podEnds = [podEndedAt, life.running && life.observations.of(life.running.podUid)?.endedAt];
  // Of a job that ran, this has been recorded.
  const { unreached } = life.running === undefined ? life.unreached.certain() : {};
  let isHindered: boolean | undefined;
  if (life.held === 'pod') {
    state.status = 'ending';
    show('ending', failure);
    details(life, `${message}; removing the pod`);
    await jobRecord.recordEnding(order.jobId, message);
    // A machine that is away answers nobody; one that only lost a GPU does.
    const answers = away === undefined || away.cause === 'gpu_lost';
    if (order.program !== undefined && answers && patched('the-log-is-kept')) await keepLog(order);
    const removed = await jobTeardown.teardownJob(order);
    // Versions up to 0.1.0 return nothing.
    podEnds.push(removed?.podEndedAt);
    if (!podEnds.some((podEnd) => podEnd !== undefined)) podEnds.push(removed?.missingSince);
    isHindered = removed?.isHindered;
  }
  const podEnd = earliestOf(podEnds);
  details(life, `${message}; releasing the capacity`);
  const released = await jobRecord.releaseJob(order, {
    status,
    message,
    endAt,
    gaps: provider.gaps().map(recordedGap),
    ...(podEnd === undefined ? {} : { podEndedAt: podEnd }),
    ...lastSeen,
    ...(endedBy === undefined ? {} : { endedBy }),
    ...(failure === undefined ? {} : { failure }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(startFailure === undefined ? {} : { startFailure: heldAgainst(startFailure, isHindered) }),
    ...(unreached === undefined ? {} : { unreached }),
  });
  state.status = status;
  if (failure !== undefined) state.failure = failure;
  show(status, failure);
  details(life, outcomeOf(ending));
  const { drain } = provider.news();
  if (state.placement !== undefined) {
    if (awaitsJob({ ...(drain && { drain }), ...(away && { away }) })) await tellProvider(state.placement);
    // Versions up to 0.1.0 return nothing here, either.
    if (released?.isOut === true) await tellOut(state.placement);
  }
  if (unreached !== undefined && released?.isUnreachedOut === true) await tellOut(unreached);
  await condition(allHandlersFinished);
  return state;
}

/**
 * Shows operators what becomes of the job. Its reason is part of the same command, so that histories of versions without
 * one fit: replays compare which commands there are, and not what an attribute is set to.
 */
function show(status: JobState['status'], failure: JobFailure | undefined): void {
  upsertSearchAttributes([
    { key: searchAttributes.jobStatus, value: status },
    ...(failure === undefined ? [] : [{ key: searchAttributes.failureReason, value: failure.reason }]),
  ]);
}

/** How it ended, for people: its failure by the code that is searched for. */
function outcomeOf({ message, failure, exitCode }: Ending): string {
  const reason = failure === undefined ? '' : `${failure.reason}: `;
  const exit = exitCode === undefined || failure !== undefined ? '' : ` (exit code ${exitCode})`;
  return `${reason}${failure?.words ?? message}${exit}`;
}

/** Keeps the last of the log while there is a pod to read it from. The end does not depend on it. */
async function keepLog(order: JobOrder): Promise<void> {
  try {
    await jobLogs.saveJobLog(order);
  } catch {
    // The machine does not hand it out, or not in time.
  }
}

/**
 * When the end of the job was decided. A cancellation counts from when it was asked for, and the end of its pod from when
 * the broker saw it: while no worker runs, or if one dies at this very step, the workflow reads them later.
 */
function endOf({ cancellation, running, observations }: JobLife): Instant {
  const seenOverAt = running && observations.of(running.podUid)?.seenOverAt;
  return earliestOf([instantAt(Date.now()), cancellation?.at, seenOverAt])!;
}

/** Whatever ends the job, the customer does not pay for the time in which the provider was away. */
function lastSeenOf({ lastSeenMs }: Ending, away: { sinceMs: number } | undefined): { lastSeen?: Instant } {
  const seenMs = Math.min(lastSeenMs ?? Infinity, away?.sinceMs ?? Infinity);
  return seenMs === Infinity ? {} : { lastSeen: instantAt(seenMs) };
}

function earliestOf(instants: readonly (Instant | undefined)[]): Instant | undefined {
  return instants.filter((at) => at !== undefined).sort()[0];
}
