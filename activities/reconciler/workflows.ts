import { Context } from '@temporalio/activity';
import { claimUntold, hasUntold, type UntoldRegistration } from '../../src/db/answer-desk.js';
import { movesOf } from '../../src/db/allocations.js';
import { findOpenJob, openJobIds, type OpenJob } from '../../src/db/reconcile-jobs.js';
import { knownAmong, knownProviders, pendingRegistration, type KnownProvider } from '../../src/db/reconcile-fleet.js';
import { markTold } from '../../src/db/registrations.js';
import type { OpenRestore } from '../../src/db/restores.js';
import { jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { instantAt, sentence, type Instant, type Printable } from '../../src/domain/outside.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import type { Signal } from '../../src/temporal/signal-once.js';
import { providerSignals } from '../../src/temporal/signals.js';
import { startJob } from '../../src/temporal/start-job.js';
import { startProvider } from '../../src/temporal/start-provider.js';
import type { NodeObservation } from '../../src/kubernetes/observe.js';
import { workflowFate } from '../../src/temporal/workflow-fate.js';
import type { ProviderNews, RunningJob } from '../../workflows/job-messages.js';
import type { CarriedProvider } from '../../workflows/provider-messages.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import type { ActivityDeps } from '../deps.js';
import type { ReleasedJob } from '../job-outcome.js';
import type { RemovedPod } from '../pods.js';
import { createForgottenSteps, outcomeBefore } from './forgotten-steps.js';
import { comparisonOf, repairLog, type Comparison, type RepairLog } from './repairs.js';
import type { JobRecord } from './repeated-steps.js';
import type { RestoreWatch } from './restored.js';

/** A job whose workflow has ended without closing it. */
interface AbandonedJob {
  order: JobOrder;
  /** For its customer. */
  message: Printable;
  /** Until when it had a workflow; the customer pays no longer than that. */
  servedUntil: Instant;
  /** Since when its provider has been away. */
  lastSeen?: Instant;
  /** How its workflow had ended it, before the database forgot that. */
  outcome?: ReleasedJob;
}

/** The limit of one run for each kind; the next run finds the rest. */
const suspectsPerRun = 500;
/** Each is a teardown that may wait for a node. */
const abandonedPerRun = 50;

/** A relay tells workflows within moments; a storm of many thousand machines may take it minutes. */
const untoldS = 900;
const untoldLeaseS = 60;

/** Reads a node as it is now. */
export interface NodeReader {
  inspectNode(input: { nodeName: string }): Promise<NodeObservation>;
}

/** Compares rows with workflows: every open job and every provider must have a running one. */
export function createWorkflowComparison(
  { config, pool, temporal, logger }: Pick<ActivityDeps, 'config' | 'pool' | 'temporal' | 'logger'>,
  steps: NodeReader & JobRecord,
  restores: RestoreWatch,
) {
  const signals = createProviderSignals(temporal, config);
  const forgottenSteps = createForgottenSteps({ config, pool, temporal }, steps);
  return {
    /**
     * Starts missing workflows. Returns jobs whose workflow ended without closing them: ending a job takes time, and is
     * a step of its own.
     */
    async compareWorkflows(): Promise<Comparison & { abandoned: AbandonedJob[] }> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      const restore = await restores.look();
      await restores.mark();
      // One list for all of them. It is some moments old, so every workflow that seems to be missing is checked by its
      // id.
      const running = await runningWorkflows(() => context.heartbeat());
      const abandoned: AbandonedJob[] = [];
      const jobs = await jobsWithout(running);
      await log.each(
        jobs.slice(0, suspectsPerRun),
        (jobId) => `job ${jobId}`,
        async (jobId) => {
          const found = await repairJob(jobId, log, restore);
          if (found !== undefined) abandoned.push(found);
        },
      );
      // Before the providers: each of these starts a workflow that may seem to be missing.
      await log.each(
        await claimUntold(pool, { limit: suspectsPerRun, leaseS: untoldLeaseS, olderThanS: untoldS }),
        ({ providerId }) => `registration of provider ${providerId}`,
        (registration) => tellRegistration(registration, log),
      );
      const providers = await providersWithout(running);
      await log.each(
        providers.slice(0, suspectsPerRun),
        ({ providerId }) => `provider ${providerId}`,
        (provider) => resumeProvider(provider, log),
      );
      // Last, because it may take long.
      if (restore !== undefined)
        await log.each(
          [restore],
          () => 'steps of jobs since the backup',
          (open) => forgottenSteps.writeAgain(open, log),
        );
      return { ...comparisonOf(log), abandoned: abandoned.slice(0, abandonedPerRun) };
    },
  };

  async function runningWorkflows(onPage: () => void): Promise<Set<string>> {
    const ids = new Set<string>();
    const query = `ExecutionStatus = 'Running' and WorkflowType in ('${workflowTypes.job}', '${workflowTypes.provider}')`;
    for await (const { workflowId } of temporal.workflow.list({ query, pageSize: 1_000 })) {
      ids.add(workflowId);
      if (ids.size % 1_000 === 0) onPage();
    }
    return ids;
  }

  async function jobsWithout(running: ReadonlySet<string>): Promise<string[]> {
    const suspects: string[] = [];
    for (let page = await openJobIds(pool, config.RECONCILER_GRACE_S); page.length > 0;) {
      suspects.push(...page.filter((jobId) => !running.has(jobWorkflowId(jobId))));
      page = await openJobIds(pool, config.RECONCILER_GRACE_S, page.at(-1));
    }
    return suspects;
  }

  async function providersWithout(running: ReadonlySet<string>): Promise<KnownProvider[]> {
    const suspects: KnownProvider[] = [];
    for (let page = await knownProviders(pool); page.length > 0;) {
      suspects.push(...page.filter(({ providerId }) => !running.has(providerWorkflowId(providerId))));
      page = await knownProviders(pool, page.at(-1)!.providerId);
    }
    return suspects;
  }

  async function repairJob(
    jobId: string,
    log: RepairLog,
    restore: OpenRestore | undefined,
  ): Promise<AbandonedJob | undefined> {
    const workflow = await workflowFate(temporal, jobWorkflowId(jobId));
    if (workflow === 'goes_on') return undefined;
    // Read after the workflow was seen to be over: a workflow that closes its job and then ends did not abandon it.
    const job = await findOpenJob(pool, jobId);
    if (job === undefined) return undefined;
    if (workflow?.how === 'COMPLETED') {
      // It completes only once its job has ended: the database has forgotten that.
      const outcome = outcomeBefore(await forgottenSteps.writeStepsOf(jobId, log, restore));
      if (outcome !== undefined) return { ...abandoned(job, outcome.message, workflow.at), outcome };
    }
    if (workflow !== undefined) {
      const how = workflow.how === 'TIMED_OUT' ? 'timed out' : `was ${workflow.how.toLowerCase()}`;
      return abandoned(job, `the workflow of the job ${how} before the job had ended`, workflow.at);
    }
    if (restore !== undefined && (await isGone(job, restore))) {
      const until = restore.knownUntil ?? new Date();
      return abandoned(job, 'its pod was gone when the database was restored', until);
    }
    const { order, placement, running } = job;
    if (placement !== undefined && running !== undefined) {
      await resumeJob(job, { placement, running });
      log.repaired('job_without_workflow', { jobId, status: job.status });
      return undefined;
    }
    if ((job.status === 'pending' || job.status === 'provisioning') && (await mayStart(job, restore))) {
      const { attempt } = await movesOf(pool, jobId);
      await startJob(temporal, order, config, { attempt });
      log.repaired('job_not_started', { jobId, status: job.status });
      return undefined;
    }
    return abandoned(job, 'the job has no workflow, and cannot go on', new Date());
  }

  /**
   * Whether a job that had run has ended, of which neither the database nor Temporal knows since a restore. Its expiry may
   * be over, so that a new workflow would not look for its pod any more.
   */
  async function isGone({ order, status, createdAt, running }: OpenJob, restore: OpenRestore): Promise<boolean> {
    if (createdAt >= restore.foundAt || (running === undefined && status !== 'ending')) return false;
    return !(await restores.hasPod(order.jobId));
  }

  /**
   * Whether a job that does not run is to go on starting. A restored database may have forgotten that it ran, and that it
   * ended: then its pod says which.
   */
  async function mayStart({ order, createdAt }: OpenJob, restore: OpenRestore | undefined): Promise<boolean> {
    if (restore !== undefined && createdAt < restore.foundAt) return await restores.hasPod(order.jobId);
    return Date.now() - createdAt.getTime() < config.JOB_START_TIMEOUT_S * 1000;
  }

  /** Continues from what the row says; the pod has been running all along. */
  async function resumeJob(
    { order, providerAwaySince, drain }: OpenJob,
    { placement, running }: Pick<Required<OpenJob>, 'placement' | 'running'>,
  ): Promise<void> {
    const carried: RunningJob = {
      placement,
      ssh: running.ssh,
      podUid: running.podUid,
      startedAtMs: running.startedAt.getTime(),
      expiresAtMs: running.expiresAt.getTime(),
      extensions: [],
      provider: newsOf(providerAwaySince, drain),
    };
    await startJob(temporal, order, config, { running: carried });
  }

  async function tellRegistration(
    { providerId, messageId, sender, answer }: UntoldRegistration,
    log: RepairLog,
  ): Promise<void> {
    await signals.registrationReceived(providerId, messageId, { sender, answer });
    await markTold(pool, messageId);
    log.repaired('registration_untold', { providerId, messageId });
  }

  async function resumeProvider({ providerId }: KnownProvider, log: RepairLog): Promise<void> {
    // Its first registration is about to start it.
    if (await hasUntold(pool, providerId)) return;
    const workflow = await workflowFate(temporal, providerWorkflowId(providerId));
    if (workflow === 'goes_on') return;
    // Read after the workflow was seen to be over: a provider that has retired is not part of the fleet any more.
    const provider = (await knownAmong(pool, [providerId])).get(providerId);
    if (provider === undefined) return;
    const { status } = provider;
    await startProvider(temporal, { providerId, carried: carriedBy(provider) }, config, await firstNews(provider));
    log.repaired('provider_without_workflow', {
      providerId,
      status,
      workflow: workflow?.how ?? 'unknown',
    });
  }

  /** The first signal for the workflow of a provider that is continued. */
  async function firstNews({ providerId, status, nodeName, nodeUid }: KnownProvider): Promise<Signal | undefined> {
    const messageId = await pendingRegistration(pool, providerId);
    // Answering the registration again finds the earlier answer, and then waits for the node.
    if (status === 'approved' && messageId !== undefined) {
      return providerSignals.registrationReceived(providerId, { messageId });
    }
    if (nodeName === undefined || nodeUid === undefined) return undefined;
    const { state } = await steps.inspectNode({ nodeName });
    return providerSignals.nodeObserved(providerId, { state });
  }
}

function abandoned({ order, providerAwaySince }: OpenJob, message: string, servedUntil: Date): AbandonedJob {
  return {
    order,
    message: sentence(message),
    servedUntil: instantAt(servedUntil.getTime()),
    ...(providerAwaySince === undefined ? {} : { lastSeen: instantAt(providerAwaySince.getTime()) }),
  };
}

/** What a job's workflow was told about its provider, as far as the row tells; its grace begins again. */
function newsOf(awaySince: Date | undefined, drain: OpenJob['drain']): ProviderNews {
  const nowMs = Date.now();
  return {
    ...(awaySince === undefined
      ? {}
      : { changedAt: instantAt(nowMs), away: { atMs: nowMs, sinceMs: awaySince.getTime(), final: false } }),
    ...(drain === undefined ? {} : { drain: drain.until === undefined ? {} : { untilMs: drain.until.getTime() } }),
  };
}

/** What a provider's workflow knew, as far as the row tells; what its jobs were told is unknown. */
function carriedBy(provider: KnownProvider): CarriedProvider {
  const { status, nodeUid, nodeReady, heartbeatAlive, allocatable, offeredGpus, retiring } = provider;
  return {
    status,
    facts: { nodeReady, heartbeatAlive, gpusReady: (allocatable?.gpus ?? 0) > 0 || offeredGpus === 0 },
    retiring,
    seen: [],
    ...(nodeUid === undefined ? {} : { nodeUid }),
  };
}

/** The last steps of a job. */
export interface JobEnd {
  recordEnding(jobId: string, message: Printable): Promise<void>;
  teardownJob(order: JobOrder): Promise<RemovedPod>;
  releaseJob(order: JobOrder, outcome: ReleasedJob): Promise<unknown>;
}

/** Ends a job in place of its workflow, by the same steps. */
export function createAbandonedJobEnd({ logger }: Pick<ActivityDeps, 'logger'>, steps: JobEnd) {
  return {
    async endAbandonedJob({ order, message, servedUntil, lastSeen, outcome }: AbandonedJob): Promise<Comparison> {
      const log = repairLog(logger);
      await steps.recordEnding(order.jobId, message);
      const { podEndedAt, missingSince } = await steps.teardownJob(order);
      const ended = podEndedAt ?? missingSince;
      if (outcome !== undefined) {
        await steps.releaseJob(order, outcome);
        log.repaired('job_end_forgotten', { jobId: order.jobId, status: outcome.status });
        return comparisonOf(log);
      }
      await steps.releaseJob(order, {
        status: 'failed',
        message,
        failure: { reason: 'internal_error', message },
        endAt: servedUntil,
        ...(ended === undefined ? {} : { podEndedAt: ended }),
        ...(lastSeen === undefined ? {} : { lastSeen }),
      });
      log.repaired('job_abandoned', { jobId: order.jobId, message });
      return comparisonOf(log);
    },
  };
}
