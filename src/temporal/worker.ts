import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Activities } from '../../activities/index.js';
import type { Config } from '../config.js';
import { temporalConnection } from './connection-options.js';
import { keepServed, readinessOf, type Standing, type WorkerVersion } from './deployment.js';

/** Activities mostly wait for other systems, so many may be under way; the pool of database connections is the limit. */
const maxActivities = 200;

/**
 * How long one step of a workflow's code may compute, by the clock on the wall; an option that the SDK has and its types
 * leave out. Workflow code here never loops: what takes long is a workflow that gets thousands of signals at once, on a
 * machine under load. Past the bound the whole process dies (Node cannot stop such code and live, nodejs/node#38503), and
 * the next one meets the same step. The SDK's own five seconds were reached in tests.
 */
export const patience = { isolateExecutionTimeout: '30s' } as Partial<WorkerOptions>;

export interface RunningWorker {
  ready(): { ok: boolean; detail?: string };
  /** Takes no new tasks, finishes those begun, then closes. */
  stop(): Promise<void>;
}

/** The SDK's own log lines, through the one logger of the process. Once per process. */
export function installRuntime(logger: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const log = level === 'ERROR' ? logger.error.bind(logger) : logger.warn.bind(logger);
      log({ sdk: { ...meta, error: undefined }, err: meta?.['error'] }, message);
    }),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
    // main.ts owns the signals: it stops the roles in order.
    shutdownSignals: [],
  });
}

export interface StartingWorker {
  config: Config;
  activities: Activities;
  client: Client;
  logger: Logger;
  /** Aborted when the process is told to stop: a worker that is not at work yet takes up none. */
  stop: AbortSignal;
}

/**
 * Starts the worker: workflows and activities on one task queue. It is ready once its version of the workflow code gets
 * the work, or stands by for another one that does.
 */
export async function startWorker({
  config,
  activities,
  client,
  logger,
  stop,
}: StartingWorker): Promise<RunningWorker> {
  const connection = await NativeConnection.connect(temporalConnection(config));
  const code = await workflowCode();
  const version: WorkerVersion | undefined = config.WORKER_VERSIONING
    ? { deploymentName: config.WORKER_DEPLOYMENT_NAME, buildId: config.BUILD_ID ?? digest(code) }
    : undefined;
  const worker = await Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    activities,
    workflowBundle: { code },
    ...(version === undefined
      ? {}
      : {
          // Jobs and providers live for longer than any worker: they move to the version that is current with their
          // next step, and so does whatever is short. docs/workflow-changes.md says what that asks of a change.
          workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' },
        }),
    maxCachedWorkflows: config.WORKER_CACHED_WORKFLOWS,
    maxConcurrentActivityTaskExecutions: maxActivities,
    maxConcurrentLocalActivityExecutions: maxActivities,
    shutdownGraceTime: `${Math.max(1, config.SHUTDOWN_GRACE_S - 5)}s`,
    shutdownForceTime: `${config.SHUTDOWN_GRACE_S}s`,
    ...patience,
  });
  stop.throwIfAborted();
  const running = worker.run().catch((error: unknown) => {
    logger.fatal({ err: error }, 'the worker stopped');
    throw error;
  });
  // A worker that stopped by itself ends the process: what supervises it starts a fresh one.
  running.catch(() => process.kill(process.pid, 'SIGTERM'));
  const stopped = new AbortController();
  let standing: Standing | 'unknown' | 'unversioned' = version === undefined ? 'unversioned' : 'unknown';
  if (version !== undefined) {
    const onStanding = (found: Standing) => void (standing = found);
    void keepServed({
      client,
      taskQueue: config.TEMPORAL_TASK_QUEUE,
      version,
      logger,
      signal: stopped.signal,
      onStanding,
    });
  }
  return {
    ready: () => readinessOf(worker.getState(), standing),
    async stop() {
      stopped.abort();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running.catch(() => undefined);
      await connection.close();
    },
  };
}

/** The bundle that the build made, where there is one; otherwise the sources, bundled now. */
async function workflowCode(): Promise<string> {
  const bundle = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
  if (existsSync(bundle)) return await readFile(bundle, 'utf8');
  const compiled = fileURLToPath(new URL('../../workflows/index.js', import.meta.url));
  const source = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  const { code } = await bundleWorkflowCode({
    workflowsPath: existsSync(compiled) ? compiled : source,
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/** Workers with the same workflow code are of the same version. */
function digest(code: string): string {
  return createHash('sha256').update(code).digest('hex').slice(0, 16);
}
