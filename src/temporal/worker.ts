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
import { keepServed, readinessOf, type VersionState, type WorkerVersion } from './deployment.js';
import { watchUnversioned, type UnversionedState } from './unversioned.js';

/**
 * Activities mostly wait for other systems, so many may be under way; the pool of database connections is the real
 * limit.
 */
const maxActivities = 200;

/**
 * The wall-clock limit for one step of workflow code; the SDK has this option but its types do not. Workflow code here
 * never loops: a step is long if a workflow gets thousands of signals at once on a loaded machine. Beyond the limit the
 * whole process dies (Node cannot stop such code and survive, nodejs/node#38503), and the next process meets the same
 * step. Tests reached the SDK's own five seconds.
 */
export const patience = { isolateExecutionTimeout: '30s' } as Partial<WorkerOptions>;

export interface RunningWorker {
  ready(): { ok: boolean; detail?: string };
  /** Takes no new tasks, finishes those begun, then closes. */
  stop(): Promise<void>;
}

/** Sends the SDK's own log lines through the logger of the process. Once per process. */
export function installRuntime(logger: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const log = level === 'ERROR' ? logger.error.bind(logger) : logger.warn.bind(logger);
      log({ sdk: { ...meta, error: undefined }, err: meta?.['error'] }, message);
    }),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
    // main.ts handles the process's signals: it stops the roles in order.
    shutdownSignals: [],
  });
}

export interface StartingWorker {
  config: Config;
  activities: Activities;
  /** Of the namespace that it serves. */
  client: Client;
  /** Workflows that it keeps in memory between their steps. */
  cachedWorkflows: number;
  logger: Logger;
  /** Aborted when the process is told to stop: a worker that has not begun takes no work. */
  stop: AbortSignal;
}

/**
 * Starts a worker: workflows and activities on one task queue of one namespace. It is ready once its version of the
 * workflow code gets the work, or stands by for another one that does.
 */
export async function startWorker({
  config,
  activities,
  client,
  cachedWorkflows,
  logger,
  stop,
}: StartingWorker): Promise<RunningWorker> {
  const connection = await NativeConnection.connect(temporalConnection(config));
  const code = await workflowCode();
  const { namespace } = client.options;
  const version: WorkerVersion | undefined = config.WORKER_VERSIONING
    ? { deploymentName: config.WORKER_DEPLOYMENT_NAME, buildId: config.BUILD_ID ?? digest(code) }
    : undefined;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    activities,
    workflowBundle: { code },
    ...(version === undefined
      ? {}
      : {
          // Jobs and providers outlive every worker: with their next step they move to the current version, and short
          // workflows do, too. docs/workflow-changes.md explains what that means for a change.
          workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' },
        }),
    maxCachedWorkflows: cachedWorkflows,
    maxConcurrentActivityTaskExecutions: maxActivities,
    maxConcurrentLocalActivityExecutions: maxActivities,
    shutdownGraceTime: `${Math.max(1, config.SHUTDOWN_GRACE_S - 5)}s`,
    shutdownForceTime: `${config.SHUTDOWN_GRACE_S}s`,
    ...patience,
  });
  stop.throwIfAborted();
  const running = worker.run().catch((error: unknown) => {
    logger.fatal({ err: error, namespace }, 'the worker stopped');
    throw error;
  });
  // A worker that stopped by itself ends the process: its supervisor starts a new one.
  running.catch(() => process.kill(process.pid, 'SIGTERM'));
  const stopped = new AbortController();
  let state: VersionState | UnversionedState | 'unknown' = 'unknown';
  const watching = {
    ...{ client, logger, signal: stopped.signal },
    onState: (found: typeof state) => void (state = found),
  };
  if (version === undefined) void watchUnversioned({ ...watching, deploymentName: config.WORKER_DEPLOYMENT_NAME });
  else void keepServed({ ...watching, taskQueue: config.TEMPORAL_TASK_QUEUE, version });
  return {
    ready: () => readinessOf(worker.getState(), state),
    async stop() {
      stopped.abort();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running.catch(() => undefined);
      await connection.close();
    },
  };
}

let bundled: Promise<string> | undefined;

/** The same for all workers of the process. */
function workflowCode(): Promise<string> {
  bundled ??= bundleOnce();
  return bundled;
}

/** The bundle from the build, if there is one; otherwise the sources, bundled now. */
async function bundleOnce(): Promise<string> {
  const bundle = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
  if (existsSync(bundle)) return await readFile(bundle, 'utf8');
  const { code } = await bundleWorkflowCode({
    workflowsPath: sourceOf('index'),
    workflowInterceptorModules: [sourceOf('interceptors')],
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/** Compiled, if it has been. */
function sourceOf(module: string): string {
  const compiled = fileURLToPath(new URL(`../../workflows/${module}.js`, import.meta.url));
  return existsSync(compiled) ? compiled : fileURLToPath(new URL(`../../workflows/${module}.ts`, import.meta.url));
}

/** Workers with the same workflow code have the same version. */
function digest(code: string): string {
  return createHash('sha256').update(code).digest('hex').slice(0, 16);
}
