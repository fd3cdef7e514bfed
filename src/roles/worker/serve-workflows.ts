import { untilAvailable } from '../../lifecycle.js';
import type { Readiness } from '../../observability/listener.js';
import { removeMovedSchedules } from '../../temporal/moved-schedules.js';
import { reconcileNow } from '../../temporal/schedules.js';
import { upkeepClient } from '../../temporal/upkeep.js';
import { startWorker, type RunningWorker, type StartingWorker } from '../../temporal/worker.js';

/** A handful of workflows that live for seconds. */
const cachedOfUpkeep = 10;

/**
 * Serves the workflows of jobs and providers, and in a namespace of their own those that run every few seconds or minutes.
 *
 * @throws StopRequested when the process is told to stop first; nothing is left running then.
 */
export async function serveWorkflows(
  starting: Omit<StartingWorker, 'cachedWorkflows'>,
): Promise<{ ready(): Readiness; stop(): Promise<void> }> {
  const { config, client, logger, stop } = starting;
  const waiting = { logger, stop };
  const upkeep = upkeepClient(client, config);
  const isApart = upkeep !== client;
  const started: [name: string, worker: RunningWorker][] = [];
  const start = async (name: string, of: Pick<StartingWorker, 'client' | 'cachedWorkflows'>) => {
    const worker = await untilAvailable(waiting, 'Temporal', () => startWorker({ ...starting, ...of }));
    started.push([name, worker]);
  };
  const leave = new AbortController();
  let moving: Promise<void> | undefined;
  const stopAll = async () => {
    leave.abort();
    await Promise.all([moving, ...started.map(([, worker]) => worker.stop())]);
  };

  try {
    await start('worker', { client, cachedWorkflows: config.WORKER_CACHED_WORKFLOWS });
    if (isApart) await start('upkeep', { client: upkeep, cachedWorkflows: cachedOfUpkeep });
    await untilAvailable(waiting, 'Temporal', () => reconcileNow(upkeep));
  } catch (error) {
    await stopAll();
    throw error;
  }
  if (isApart) {
    const taskQueue = config.TEMPORAL_TASK_QUEUE;
    moving = removeMovedSchedules({ client, upkeep, taskQueue, logger, signal: leave.signal });
  }
  return {
    ready: () => Object.fromEntries(started.map(([name, worker]) => [name, worker.ready()])),
    stop: stopAll,
  };
}
