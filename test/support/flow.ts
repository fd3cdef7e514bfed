import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/index.js';
import { withErrorCodes } from '../../activities/failures.js';
import type { Config } from '../../src/config.js';
import { createJobCommands } from '../../src/temporal/jobs.js';
import { testConfig } from './config.js';
import { freshTemporal, workflowBundle, type TestTemporal } from './temporal.js';
import { withoutSummary } from './summaries.js';
import { until } from './until.js';

/** Activities written by a test; a missing one fails, and is retried as in an outage. */
export type Steps = Partial<Activities>;

/** A step that a workflow called, and its arguments. */
export interface Asked {
  step: keyof Activities;
  args: readonly unknown[];
}

/**
 * The workflows on a real Temporal, with a test's functions instead of activities: no cluster and no database, so that
 * a test can reach every branch. One namespace and one worker serve a whole file.
 */
export interface Flow {
  config: Config;
  temporal: TestTemporal;
  commands: ReturnType<typeof createJobCommands>;
  /**
   * From now on these steps answer every call that names `key`: the id of a job or provider; '' for calls that name
   * neither.
   */
  answers(key: string, steps: Steps): void;
  /** The calls about `key` so far, oldest first; retries count. */
  asked(key: string): readonly Asked[];
  /** Replays the histories of these workflows against the code, and throws at the first mismatch. */
  replay(...workflowIds: string[]): Promise<void>;
  /**
   * Makes the history of a workflow so large that the server suggests a new run, and waits for that run.
   *
   * @param tell sends the workflow a message that changes nothing, with this text in it.
   */
  startOver(handle: Pick<WorkflowHandle, 'describe'>, tell: (text: string) => Promise<void>): Promise<void>;
  /** Throws if a step or a timer of any of its workflows had no summary. */
  close(): Promise<void>;
}

/** @param change changes the workflow code, to shorten its waits for example. */
export async function createFlow(change: (code: string) => string = (code) => code): Promise<Flow> {
  const temporal = await freshTemporal();
  const config = testConfig(temporal.config);
  const code = change(await readFile(await workflowBundle(), 'utf8'));
  const steps = new Map<string, Steps>();
  const asked = new Map<string, Asked[]>();

  /** The first of the call's ids that a test has answers for: a job is placed at a test's provider, too. */
  const keyOf = (args: readonly unknown[]) => namesIn(args).find((name) => steps.has(name));
  const carryOut =
    (step: keyof Activities) =>
    async (...args: unknown[]) => {
      const key = keyOf(args) ?? '';
      asked.set(key, [...(asked.get(key) ?? []), { step, args }]);
      const answer = steps.get(key)?.[step] as ((...args: unknown[]) => Promise<unknown>) | undefined;
      if (answer === undefined) throw new Error(`the test has no answer to ${step} of ${key}`);
      return await answer(...args);
    };
  const activities = withErrorCodes(Object.fromEntries(stepNames.map((step) => [step, carryOut(step)])));
  await temporal.startWorker(activities, { workflowBundle: { code } });

  return {
    config,
    temporal,
    commands: createJobCommands(temporal.client, config),
    answers: (key, answered) => void steps.set(key, answered),
    asked: (key) => asked.get(key) ?? [],
    async replay(...workflowIds) {
      const histories = workflowIds.map(async (workflowId) => ({
        workflowId,
        history: await temporal.client.workflow.getHandle(workflowId).fetchHistory(),
      }));
      const replayed = Worker.runReplayHistories({ workflowBundle: { code } }, await Promise.all(histories));
      for await (const { error } of replayed) if (error !== undefined) throw error;
    },
    async startOver(handle, tell) {
      const before = (await handle.describe()).runId;
      await Promise.all([1, 2, 3].map(() => tell('x'.repeat(enoughText))));
      const isAnother = async () => (await handle.describe()).runId !== before;
      // The server decides by the history's size at the start of the last task.
      const looks = async () => (await isAnother()) || (await tell(''), false);
      await until(looks, { timeoutMs: 60_000, everyMs: 1_000, name: 'the workflow goes on in a new run' });
    },
    async close() {
      const bare = await withoutSummary(temporal);
      await temporal.close();
      if (bare.length > 0) throw new Error(`steps and timers without a summary: ${bare.join(', ')}`);
    },
  };
}

/** A third of the four megabytes from which on the server suggests a new run, and less than it takes in one message. */
const enoughText = 1_450_000;

/** Every activity that a workflow calls. */
const stepNames = [
  ...(['placeJob', 'leaveProvider', 'recordRunning', 'recordExtension', 'recordService', 'recordEnding'] as const),
  ...(['releaseJob', 'provisionJob', 'lookAtSsh', 'inspectJob', 'checkLoss', 'teardownJob'] as const),
  ...(['answerRegistration', 'refuseRegistration', 'recordNeverJoined', 'ensureReplyDelivered'] as const),
  ...(['approveNodeCertificate', 'assessProvider', 'updateCapacity', 'tellJobs', 'tellJobsOfDrain'] as const),
  ...(['recordOrder', 'retireProvider', 'syncMining', 'sweepHeartbeats'] as const),
  ...([
    'compareWorkflows',
    'compareLedger',
    'compareMoney',
    'compareFunds',
    'comparePods',
    'compareTenants',
    'compareNodes',
  ] as const),
  ...(['resyncMining', 'tidy', 'endAbandonedJob', 'sampleMarket', 'recordProviderSeries'] as const),
  ...(['announceExpiries', 'signReceipts', 'bringSshKeys'] as const),
];

/** The ids in the arguments of an activity: an order, the id of a job, or an object with one of either. */
function namesIn(args: readonly unknown[]): string[] {
  return args.flatMap((arg) => {
    if (typeof arg === 'string') return [arg];
    if (typeof arg !== 'object' || arg === null) return [];
    const { jobId, providerId, order } = arg as { jobId?: string; providerId?: string; order?: { jobId?: string } };
    return [jobId, order?.jobId, providerId].filter((name) => name !== undefined);
  });
}
