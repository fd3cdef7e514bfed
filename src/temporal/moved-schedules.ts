import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ScheduleSummary } from '@temporalio/client';
import type { Logger } from 'pino';
import { removeSchedules, upkeepSchedules } from './schedules.js';

export interface MovedPace {
  /** Between two looks. */
  everyMs: number;
  /** A worker without work asks again after 60 s; one that was not heard for this long is gone. */
  silentMs: number;
  /**
   * How many looks in turn have to find no older worker. A queue has parts, and the server names only the workers whose
   * requests reached the first one. Which part a request goes to is left to chance, and without work it stays there for
   * a minute: a worker that lives may go unnamed for some minutes.
   */
  looks: number;
}
/** Ten minutes in all. */
const usualPace: MovedPace = { everyMs: 30_000, silentMs: 75_000, looks: 20 };

export interface Moving {
  /** Of the namespace of the jobs. */
  client: Client;
  upkeep: Client;
  taskQueue: string;
  logger: Logger;
  signal: AbortSignal;
  pace?: MovedPace;
}

/** The task queue type of workflows, in the server API. */
const workflowQueue = 1;

/**
 * Removes the Schedules of the upkeep from the namespace of the jobs, where versions up to 0.1.0 have them, as soon as no
 * worker of such a version is left, and whenever one has put them back. Until then both run, which repeats some reads: each
 * of these workflows can be repeated at any moment. So whichever of the versions lives on, there is always one that sweeps:
 * a way back to an older version pauses the successors, and then the old ones stay.
 *
 * @returns when the signal is aborted.
 */
export async function removeMovedSchedules(moving: Moving): Promise<void> {
  const { client, upkeep, logger, signal, pace = usualPace } = moving;
  let alone = 0;
  const look = async () => {
    const ids = await replaced(client, upkeep);
    alone = ids.length > 0 && (await allServeBoth(moving, pace.silentMs)) ? alone + 1 : 0;
    if (alone < pace.looks) return;
    await removeSchedules(client, ids);
    logger.info({ schedules: ids, namespace: client.options.namespace }, 'removed the Schedules of older versions');
  };
  while (!signal.aborted) {
    try {
      await abortedBy(signal, client, look);
    } catch (error) {
      alone = 0;
      if (!signal.aborted) logger.warn({ err: error }, 'cannot look for the Schedules of older versions');
    }
    await sleep(pace.everyMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }
}

/**
 * A server that does not answer must not hold up a process that stops. The SDK leaves a listener at the signal with each
 * call, so each look has a signal of its own. Clients of both namespaces have one connection.
 */
async function abortedBy(signal: AbortSignal, client: Client, look: () => Promise<void>): Promise<void> {
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  const abort = () => own.abort();
  signal.addEventListener('abort', abort);
  try {
    await client.withAbortSignal(own.signal, look);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The Schedules of older versions whose successors run: those of a paused one are all that does its work. */
async function replaced(client: Client, upkeep: Client): Promise<string[]> {
  const old = (await schedulesOf(client)).map(({ scheduleId }) => scheduleId);
  if (old.length === 0) return [];
  const running = (await schedulesOf(upkeep)).filter(({ state }) => !state.paused);
  return old.filter((id) => running.some(({ scheduleId }) => scheduleId === id));
}

async function schedulesOf(client: Client): Promise<ScheduleSummary[]> {
  const found: ScheduleSummary[] = [];
  for await (const summary of client.schedule.list()) {
    if (upkeepSchedules.includes(summary.scheduleId)) found.push(summary);
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
