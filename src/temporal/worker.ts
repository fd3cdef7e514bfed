import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Runtime, Worker, makeTelemetryFilterString, DefaultLogger } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Activities } from '../../activities/index.js';
import type { Config } from '../config.js';

/** Activities mostly wait for other systems, so many may be under way; the pool of database connections is the limit. */
const maxActivities = 200;

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

/** Starts the worker: workflows and activities on one task queue. */
export async function startWorker(config: Config, activities: Activities, logger: Logger): Promise<RunningWorker> {
  const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
  const worker = await Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    activities,
    ...workflowSource(),
    maxConcurrentActivityTaskExecutions: maxActivities,
    maxConcurrentLocalActivityExecutions: maxActivities,
    shutdownGraceTime: `${Math.max(1, config.SHUTDOWN_GRACE_S - 5)}s`,
    shutdownForceTime: `${config.SHUTDOWN_GRACE_S}s`,
  });
  const running = worker.run().catch((error: unknown) => {
    logger.fatal({ err: error }, 'the worker stopped');
    throw error;
  });
  // A worker that stopped by itself ends the process: what supervises it starts a fresh one.
  running.catch(() => process.kill(process.pid, 'SIGTERM'));
  return {
    ready: () => ({ ok: worker.getState() === 'RUNNING', detail: worker.getState().toLowerCase() }),
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running.catch(() => undefined);
      await connection.close();
    },
  };
}

/** The bundle that the build made, where there is one; otherwise the sources, bundled now. */
function workflowSource() {
  const bundle = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
  if (existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  const compiled = fileURLToPath(new URL('../../workflows/index.js', import.meta.url));
  const source = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  return { workflowsPath: existsSync(compiled) ? compiled : source };
}
