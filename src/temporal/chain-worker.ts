import { NativeConnection, Worker } from '@temporalio/worker';
import type { ChainActivities } from '../../activities/chain.js';
import { chainTaskQueue } from '../../workflows/chain-task-queue.js';
import type { Config } from '../config.js';
import type { Logger } from '../observability/logger.js';
import { temporalConnection } from './connection-options.js';

/** Of the watch and of a settlement; nonces are guarded by a lock in Postgres, not by this. */
const atOnce = 4;

/**
 * Starts the worker of the chain’s task queue: activities alone. Without it settlements and deposits wait, and nothing
 * else does.
 *
 * @returns a function that finishes what has begun, and stops.
 */
export async function startChainWorker(
  config: Config,
  activities: ChainActivities,
  logger: Logger,
): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect(temporalConnection(config));
  const worker = await Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: chainTaskQueue(config.TEMPORAL_TASK_QUEUE),
    activities,
    maxConcurrentActivityTaskExecutions: atOnce,
    shutdownGraceTime: `${Math.max(1, config.SHUTDOWN_GRACE_S - 5)}s`,
    shutdownForceTime: `${config.SHUTDOWN_GRACE_S}s`,
  });
  const running = worker.run().catch((error: unknown) => {
    logger.fatal({ err: error }, 'the worker of the chain stopped');
    // Its supervisor starts a new process.
    process.kill(process.pid, 'SIGTERM');
  });
  return async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
    await connection.close();
  };
}
