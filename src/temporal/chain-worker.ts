import { NativeConnection, Worker } from '@temporalio/worker';
import type { ChainActivities } from '../../activities/chain.js';
import { chainTaskQueue } from '../../workflows/chain-task-queue.js';
import type { Config } from '../config.js';
import type { Logger } from '../observability/logger.js';
import { temporalConnection } from './connection-options.js';

/** Of the watch and of a settlement; nonces are guarded by a lock in Postgres, not by this. */
const atOnce = 4;

/**
 * Starts the workers of the chain’s task queue, one for each namespace: activities alone. Without them settlements and
 * deposits wait, and nothing else does.
 *
 * @returns a function that finishes what has begun, and stops.
 */
export async function startChainWorker(
  config: Config,
  activities: ChainActivities,
  logger: Logger,
): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect(temporalConnection(config));
  // The vault is read from the one, and settlements are in the other.
  const namespaces = new Set([config.TEMPORAL_NAMESPACE, config.TEMPORAL_UPKEEP_NAMESPACE]);
  const serving = [...namespaces].map(async (namespace) => {
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: chainTaskQueue(config.TEMPORAL_TASK_QUEUE),
      activities,
      maxConcurrentActivityTaskExecutions: atOnce,
      shutdownGraceTime: `${Math.max(1, config.SHUTDOWN_GRACE_S - 5)}s`,
      shutdownForceTime: `${config.SHUTDOWN_GRACE_S}s`,
    });
    const running = worker.run().catch((error: unknown) => {
      logger.fatal({ err: error, namespace }, 'the worker of the chain stopped');
      // Its supervisor starts a new process.
      process.kill(process.pid, 'SIGTERM');
    });
    return async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    };
  });
  const stops = await Promise.all(serving);
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
    await connection.close();
  };
}
