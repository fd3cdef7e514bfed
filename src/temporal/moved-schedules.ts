import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { removeSchedules, upkeepSchedules } from './schedules.js';

export interface MovedPace {
  /** Between two looks. */
  everyMs: number;
  /** A worker without work asks again after 60 s; one that was not heard for this long is gone. */
  silentMs: number;
}
const usualPace: MovedPace = { everyMs: 30_000, silentMs: 75_000 };

export interface Moving {
  /** Of the namespace of the jobs. */
  client: Client;
  upkeep: Client;
  taskQueue: string;
  logger: Logger;
  signal: AbortSignal;
  pace?: MovedPace;
}

/**
 * How many looks in turn have to find no older worker. One look sees those that ask one part of the queue, and each worker
 * asks another part every minute; and a server that was started again has forgotten all of them for some seconds.
 */
const looks = 4;

/** The task queue type of workflows, in the server API. */
const workflowQueue = 1;

/**
 * Removes the Schedules of the upkeep from the namespace of the jobs, where versions up to 0.1.0 have them, as soon as no
 * worker of such a version is left, and whenever one has put them back. Until then both run, which repeats some reads: each
 * of these workflows can be repeated at any moment. So whichever of the versions lives on, there is always one that sweeps.
 *
 * @returns when the signal is aborted.
 */
export async function removeMovedSchedules(moving: Moving): Promise<void> {
  const { client, logger, signal, pace = usualPace } = moving;
  let alone = 0;
  while (!signal.aborted) {
    try {
      const ids = await oldSchedules(client);
      alone = ids.length > 0 && (await allServeBoth(moving, pace.silentMs)) ? alone + 1 : 0;
      if (alone >= looks) {
        await removeSchedules(client, ids);
        logger.info({ schedules: ids, namespace: client.options.namespace }, 'removed the Schedules of older versions');
      }
    } catch (error) {
      alone = 0;
      if (!signal.aborted) logger.warn({ err: error }, 'cannot look for the Schedules of older versions');
    }
    await sleep(pace.everyMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }
}

async function oldSchedules(client: Client): Promise<string[]> {
  const found: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) {
    if (upkeepSchedules.includes(scheduleId)) found.push(scheduleId);
  }
  return found;
}

/** Whether every process that takes work where the jobs are takes work of the upkeep, too: older versions do not. */
async function allServeBoth({ client, upkeep, taskQueue }: Moving, silentMs: number): Promise<boolean> {
  const [ofJobs, ofUpkeep] = await Promise.all([client, upkeep].map((each) => workersOf(each, taskQueue, silentMs)));
  return ofJobs!.size > 0 && [...ofJobs!].every((identity) => ofUpkeep!.has(identity));
}

/** The processes that asked for workflow tasks lately. The SDK names each by its number and host, in every namespace. */
async function workersOf(
  { workflowService, options: { namespace } }: Client,
  taskQueue: string,
  silentMs: number,
): Promise<Set<string>> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: workflowQueue,
  });
  const heardAfterS = (Date.now() - silentMs) / 1_000;
  const heard = pollers.filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) > heardAfterS);
  return new Set(heard.map(({ identity }) => identity ?? ''));
}
