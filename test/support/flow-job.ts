import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities/index.js';
import type { ReleasedJob } from '../../activities/job-outcome.js';
import { BrokerError } from '../../src/domain/errors.js';
import { jobWorkflowId, type JobOrder, type Placement, type SshAccess } from '../../src/domain/job.js';
import { jobStartOptions } from '../../src/temporal/start-job.js';
import {
  jobState,
  podObserved,
  providerChanged,
  providerDraining,
  type JobLifecycle,
  type JobLimits,
  type JobState,
  type PodObservation,
  type ProviderChange,
  type ProviderDrain,
  type RunningJob,
} from '../../workflows/job-messages.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { testOrder } from './fleet.js';
import type { Flow, Steps } from './flow.js';
import { until } from './until.js';

export interface FlowJobOptions {
  order?: Partial<JobOrder>;
  /** The customer does not choose the provider. */
  anywhere?: boolean;
  limits?: Partial<JobLimits>;
  /** Replaces steps of a job that starts and runs without trouble. */
  steps?: Steps;
  /** For a running job whose workflow is new. */
  running?: Partial<RunningJob>;
}

/** The workflow of one job, and the steps it called. */
export interface FlowJob {
  order: JobOrder;
  /** The first placement. */
  placement: Placement;
  ledger: Ledger;
  handle: WorkflowHandle<JobLifecycle>;
  state(): Promise<JobState>;
  becomes(status: JobState['status']): Promise<JobState>;
  /** Sends an observation of the job's newest pod, as the watcher does. */
  podIs(phase: PodObservation['phase'], more?: Partial<PodObservation>): Promise<void>;
  hears(change: Omit<ProviderChange, 'at'>): Promise<void>;
  hearsOfDrain(drain: Omit<ProviderDrain, 'at'>): Promise<void>;
  extend(requestId: string, seconds: number): Promise<{ expiresAt: string }>;
  cancel(): Promise<JobState | 'still_ending' | 'already_ended' | 'no_workflow'>;
  /** The arguments of each call of a step. */
  asked(step: keyof Activities): (readonly unknown[])[];
  /** Waits for the given number of calls of a step; returns the arguments of the last of them. */
  asksFor(step: keyof Activities, times?: number): Promise<readonly unknown[]>;
  /** Waits for its end; returns how it was released. */
  released(): Promise<ReleasedJob>;
}

const ssh: SshAccess = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' };

/** The expiry of one job as a ledger keeps it: every request counts once. */
class Ledger {
  readonly counted = new Map<string, number>();
  expiresAtMs = 0;

  extend(requestId: string, seconds: number): { expiresAt: string } {
    const before = this.counted.get(requestId);
    if (before !== undefined && before !== seconds) throw new BrokerError('idempotency_conflict', 'other seconds');
    if (before === undefined) this.expiresAtMs += seconds * 1_000;
    this.counted.set(requestId, seconds);
    return { expiresAt: new Date(this.expiresAtMs).toISOString() };
  }
}

/** Starts the workflow of a job; its pod is Ready when a test says so, or at once with `ready`. */
export async function startFlowJob(flow: Flow, options: FlowJobOptions = {}): Promise<FlowJob> {
  const { limits = {}, steps = {}, running, anywhere = false } = options;
  const providerId = `prov-${randomUUID().slice(0, 8)}`;
  const order = testOrder({ ...(anywhere ? {} : { providerId }), ...options.order });
  const { jobId } = order;
  const placement: Placement = { providerId, nodeName: `node-of-${providerId}`, gpuType: 'rtx-4090', pricePerHour: 1 };
  const ledger = new Ledger();
  const uidAt = (place: Placement) => `pod-at-${place.providerId}`;
  const podUid = uidAt(placement);
  let resourceVersion = 0;
  if (running !== undefined) ledger.expiresAtMs = running.expiresAtMs ?? Date.now() + order.durationSeconds * 1_000;

  const answers: Steps = {
    placeJob: () => Promise.resolve(placement),
    leaveProvider: () => Promise.resolve({}),
    provisionJob: (_, place) => Promise.resolve({ podUid: uidAt(place), ssh }),
    inspectJob: (_, uid) => Promise.resolve({ phase: 'pending', uid, resourceVersion: '0' }),
    recordRunning(_, { expiresAt }) {
      ledger.expiresAtMs = Date.parse(expiresAt);
      return Promise.resolve({});
    },
    recordExtension: ({ requestId, seconds }) => Promise.resolve().then(() => ledger.extend(requestId, seconds)),
    recordService: () => Promise.resolve(),
    recordEnding: () => Promise.resolve(),
    teardownJob: () => Promise.resolve({}),
    releaseJob: () => Promise.resolve({}),
    bringSshKeys: () => Promise.resolve(),
    checkLoss: () => Promise.resolve('unclear'),
    ...steps,
  };
  flow.answers(jobId, answers);
  // A check of its provider has no job in its arguments.
  flow.answers(providerId, answers);

  const settled = { ...flow.config, JOB_MAX_DURATION_S: 30 * 86_400 };
  const start = jobStartOptions(order, settled);
  const [input] = start.args;
  const carried: RunningJob | undefined = running && {
    ...{ placement, ssh, podUid, startedAtMs: Date.now() - 1_000, expiresAtMs: ledger.expiresAtMs, extensions: [] },
    ...running,
  };
  const handle = await flow.temporal.client.workflow.start<JobLifecycle>(workflowTypes.job, {
    ...start,
    args: [
      { ...input, limits: { ...input.limits, ...limits }, ...(carried === undefined ? {} : { running: carried }) },
    ],
  });
  const asked = (step: keyof Activities) =>
    [...flow.asked(jobId), ...flow.asked(providerId)].flatMap((each) => (each.step === step ? [each.args] : []));
  const observed = (phase: PodObservation['phase'], more: Partial<PodObservation> = {}): PodObservation => {
    const [, place = placement] = asked('provisionJob').at(-1) ?? [];
    return { phase, uid: uidAt(place as Placement), resourceVersion: String(++resourceVersion), ...more };
  };
  const saidAt = () => new Date().toISOString();

  return {
    order,
    placement,
    ledger,
    handle,
    asked,
    state: () => handle.query(jobState),
    becomes: (status) =>
      until(
        async () => {
          const state = await handle.query(jobState);
          return state.status === status ? state : undefined;
        },
        { name: `the job is ${status}` },
      ),
    podIs: (phase, more) => handle.signal(podObserved, observed(phase, more)),
    hears: (change) => handle.signal(providerChanged, { providerId, at: saidAt(), ...change }),
    hearsOfDrain: (drain) => handle.signal(providerDraining, { providerId, at: saidAt(), ...drain }),
    extend: (requestId, seconds) => flow.commands.extend(jobId, requestId, seconds),
    cancel: () => flow.commands.cancel(jobId, 'its owner', 60_000),
    asksFor: (step, times = 1) => until(() => asked(step)[times - 1], { name: `${step} is asked for ${times} times` }),
    async released() {
      await handle.result();
      const [, outcome] = asked('releaseJob').at(-1)!;
      return outcome as ReleasedJob;
    },
  };
}

/** Starts the workflow of a job and brings it up to running. */
export async function runningFlowJob(flow: Flow, options: FlowJobOptions = {}): Promise<FlowJob> {
  const job = await startFlowJob(flow, options);
  await job.asksFor('provisionJob');
  await job.podIs('running');
  await job.becomes('running');
  return job;
}

export const workflowIdOf = ({ order }: FlowJob) => jobWorkflowId(order.jobId);
