import { CancellationScope, condition, patched } from '@temporalio/workflow';
import type { ProvisionedPod } from '../activities/pods.js';
import { instantAt } from '../src/domain/outside.js';
import { failed, failedBecause, type Ending } from './job-endings.js';
import { pods } from './job-steps.js';
import { lookFromOutside } from './job-look.js';
import { endedEarly, notInTime, startLimit, withFault, type JobStart } from './job-starting.js';
import type { PodObservation } from './job-messages.js';
import { changedBefore, earliest, whileWaiting } from './summaries.js';

/** A pod that was created, and how its customer will reach it. */
export type Provisioned = { kind: 'provisioned'; ended?: EndedUnseen } & ProvisionedPod;

/** It ran and ended before anybody heard of either. */
export type EndedUnseen = Ending & Required<Pick<Ending, 'ran'>>;

/** Why no pod can be reached. */
export interface NotStarted {
  kind: 'not_started';
  ending: Ending;
}

/**
 * The share of the start's time limit that one machine has to get as far as the customer's image. A machine that
 * reports no progress must not use up the time of machines that would start the job.
 */
const partToPrepare = 1 / 3;

/**
 * How often a starting pod is polled, in case the watcher's signal was lost, in seconds. A poll costs ten events of
 * history, and pods start slowly on a busy machine.
 */
const recheckS = [15, 30, 60];

/** Creates the pod and waits until SSH answers, all of it within the time limit of a start. */
export async function bringUp(start: JobStart): Promise<Provisioned | NotStarted> {
  const made = await provision(start);
  if (made.kind === 'not_started') return made;
  const ending =
    (await awaitSsh(start, made)) ?? (made.isLookedAt === true ? await lookFromOutside(start, made) : undefined);
  if (ending === undefined) return made;
  const { ran } = ending;
  return ran === undefined ? { kind: 'not_started', ending } : { ...made, ended: { ...ending, ran } };
}

/**
 * Creates the pod. Kubernetes may be unreachable for a while, or the node gone: this is retried until the provider is
 * lost or the time is over, and no longer.
 */
async function provision(start: JobStart): Promise<Provisioned | NotStarted> {
  const { order, placement, provider, beforeMs, details } = start;
  const what = `creating the pod on ${placement.nodeName}`;
  details(what);
  let settled = false;
  const making = new CancellationScope({ cancellable: true });
  const made = making.run(() => pods.provisionJob(order, placement));
  const done = () => void (settled = true);
  made.then(done, done);
  try {
    for (;;) {
      const known = provider.news();
      const parting = await provider.parting(placement);
      if (parting !== undefined) return { kind: 'not_started', ending: parting };
      if (Date.now() >= beforeMs) return { kind: 'not_started', ending: notInTime(start) };
      const wake = whileWaiting(what, earliest(startLimit(start), provider.nextParting()));
      await changedBefore(wake, () => settled || provider.news() !== known);
      if (settled) return { kind: 'provisioned', ...(await made) };
    }
  } finally {
    // Whatever it still creates must exist before the end searches for objects to remove.
    making.cancel();
    await CancellationScope.nonCancellable(() => condition(() => settled));
  }
}

/** Waits until the pod is Ready; returns why the job ends if it never will be. */
async function awaitSsh(start: JobStart, made: ProvisionedPod): Promise<Ending | undefined> {
  const { podUid } = made;
  const { order, limits, placement, provider, observations, beforeMs, details } = start;
  let stuckSinceMs: number | undefined;
  const toPrepareMs = limits.startTimeoutS * 1000 * partToPrepare;
  let idleSinceMs: number | undefined;
  for (let attempt = 0; ; attempt++) {
    const nowMs = Date.now();
    const known = { pod: observations.of(podUid), provider: provider.news() };
    const { pod } = known;
    if (pod?.phase === 'running') return undefined;
    if (pod !== undefined && pod.phase !== 'pending') return endedEarly(start, made, pod);
    const parting = await provider.parting(placement);
    if (parting !== undefined) return parting;
    // The node of a provider that is away cannot start a pod: the grace covers that.
    const isThere = known.provider.away === undefined;
    const isStuck = pod?.stuck !== undefined && isThere;
    stuckSinceMs = isStuck ? (stuckSinceMs ?? nowMs) : undefined;
    if (pod?.stuck !== undefined && stuckSinceMs !== undefined && nowMs - stuckSinceMs >= limits.stuckGraceS * 1000) {
      const { reason, message, words, fault } = pod.stuck;
      return withFault(failed({ reason, message, ...(words === undefined ? {} : { words }) }), fault);
    }
    idleSinceMs = isThere ? (idleSinceMs ?? nowMs) : undefined;
    const isIdle = idleSinceMs !== undefined && nowMs - idleSinceMs >= toPrepareMs;
    const unprepared = pod?.unprepared && (isIdle ? pod.unprepared : 'possible');
    if (nowMs >= beforeMs) return withFault(notInTime(start), unprepared);
    if (unprepared !== undefined && isIdle && patched('a-silent-machine-is-left')) {
      return withFault(notPrepared(start), unprepared);
    }
    details(
      pod?.stuck === undefined
        ? `waiting for the pod on ${placement.nodeName} to answer on its SSH port`
        : `stuck, ${pod.stuck.reason}: ${pod.stuck.words ?? pod.stuck.message}`,
    );
    const lookInS = recheckS[attempt] ?? recheckS.at(-1)!;
    const wake = earliest(
      startLimit(start),
      { atMs: nowMs + lookInS * 1000, why: `look at the pod after ${lookInS} s without news` },
      {
        atMs: idleSinceMs === undefined || isIdle ? Infinity : idleSinceMs + toPrepareMs,
        why: `limit for the machine to begin ${Math.round(toPrepareMs / 1000)} s`,
      },
      {
        atMs: stuckSinceMs === undefined ? Infinity : stuckSinceMs + limits.stuckGraceS * 1000,
        why: `stuck grace ${limits.stuckGraceS} s`,
      },
      provider.nextParting(),
    );
    const heard = await changedBefore(
      whileWaiting(awaited(start, pod, stuckSinceMs), wake),
      () => observations.of(podUid) !== known.pod || provider.news() !== known.provider,
    );
    if (!heard) observations.add(await pods.inspectJob(order, podUid));
  }
}

/** What a timer says of the wait for a pod. What strangers say of it stays in the details, which have more room. */
function awaited(
  { placement: { nodeName }, provider }: JobStart,
  pod: PodObservation | undefined,
  stuckSinceMs: number | undefined,
): string {
  const { away } = provider.news();
  if (away !== undefined) return `its provider has been away since ${instantAt(away.sinceMs)}`;
  if (pod?.stuck === undefined || stuckSinceMs === undefined) return `waiting for SSH on ${nodeName}`;
  return `stuck since ${instantAt(stuckSinceMs)}, ${pod.stuck.reason}`;
}

function notPrepared({ placement }: JobStart): Ending {
  return failedBecause('start_timeout', `the machine of provider ${placement.providerId} did not begin with the pod`);
}
