import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import { expired, podEnded, programEnded, type Ending } from './job-endings.js';
import type { takeExtensions } from './job-extensions.js';
import { resume, showServing, type JobLife } from './job-life.js';
import { isOver, type JobInput, type JobState, type RunningJob } from './job-messages.js';
import { tellOut, type Placed } from './job-placement.js';
import { jobRecord, pods } from './job-steps.js';
import { changedBefore, earliest } from './summaries.js';

/**
 * How often a running pod is polled, in case the watcher's signal was lost. The fleet reconciler compares every minute,
 * so this is the last resort.
 */
const runningRecheckMs = 60 * 60 * 1000;

/** From here on the customer can log in and pays. */
export async function begin(life: JobLife, { placement, ssh, podUid, ended }: Placed): Promise<RunningJob> {
  const { order, provider } = life;
  const { unreached } = life.unreached.certain();
  const startedAtMs = ended === undefined ? Date.now() : Date.parse(ended.ran.from);
  const expiresAtMs = startedAtMs + order.durationSeconds * 1000;
  const job: RunningJob = { placement, ssh, podUid, startedAtMs, expiresAtMs, extensions: [] };
  const recorded = await jobRecord.recordRunning(order, {
    ssh,
    podUid,
    startedAt: new Date(startedAtMs).toISOString(),
    expiresAt: new Date(job.expiresAtMs).toISOString(),
    ...(ended === undefined ? {} : { isUnseen: true }),
    ...(unreached === undefined ? {} : { unreached }),
  });
  // Absences before this moment cost nothing anyway.
  if (ended === undefined) provider.forgetGaps(provider.gaps());
  life.running = job;
  resume(life, job);
  if (unreached !== undefined && recorded?.isOut === true) await tellOut(unreached);
  return job;
}

/** Serves until an event ends the job; an extension moves the deadline meanwhile. */
export async function serve(
  life: JobLife,
  job: RunningJob,
  extensions: ReturnType<typeof takeExtensions>,
): Promise<Ending> {
  const { order, provider, service, observations } = life;
  for (;;) {
    await service.keep();
    const known = { pod: observations.of(job.podUid), expiresAtMs: job.expiresAtMs, provider: provider.news() };
    const { pod } = known;
    if (Date.now() >= job.expiresAtMs) {
      if (!extensions.underWay()) return expired;
      // The customer may just have paid for more time: wait for the ledger's answer.
      await condition(() => !extensions.underWay());
      continue;
    }
    if (isOver(pod)) {
      const ending = podEnded(pod, job.placement.providerId, known.provider, Date.now());
      return order.program === undefined ? ending : programEnded(ending, pod, order.program, true);
    }
    // Without an await after the checks above: no message can come in between and be lost.
    if (historyIsLong()) await startOver(life, job);
    const parting = await provider.parting(job.placement);
    if (parting !== undefined) return parting;
    showServing(life, job);
    const wake = earliest({ atMs: job.expiresAtMs, why: 'end of the rented time' }, provider.nextParting());
    const look = { atMs: Date.now() + runningRecheckMs, why: 'look at the pod after an hour without news' };
    const heard = await changedBefore(
      earliest(wake, look),
      () =>
        observations.of(job.podUid) !== known.pod ||
        job.expiresAtMs !== known.expiresAtMs ||
        provider.news() !== known.provider ||
        historyIsLong(),
    );
    if (!heard && Date.now() < wake.atMs) observations.add(await pods.inspectJob(order, job.podUid));
  }
}

function historyIsLong(): boolean {
  return workflowInfo().continueAsNewSuggested && allHandlersFinished();
}

async function startOver({ order, limits, provider }: JobLife, job: RunningJob): Promise<void> {
  await continueAsNew<(input: JobInput) => Promise<JobState>>({
    order,
    limits,
    running: { ...job, extensions: [], provider: provider.news() },
  });
}
