import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { createEventBell } from '../../db/event-bell.js';
import { putOffWatch, recordWatch, takeDueWatches, watchNewJobs, type DueWatch } from '../../db/job-watches.js';
import { changesOf } from '../../domain/job-watch.js';
import type { AskUse } from '../../domain/job-use.js';
import type { Logger } from '../../observability/logger.js';
import { sideBySide } from '../../side-by-side.js';

export interface WatchPace {
  /** How often each job is asked, while there are not too many for that. */
  everyS: number;
  /** How many machines are asked at a time. */
  atOnce: number;
  /** How many due jobs are taken from the database in one round. */
  perRound: number;
  /** Between two rounds: with `perRound`, it bounds how many machines are asked in a second. */
  pauseMs: number;
  /** How long a server is left alone that does not know the question. */
  refusedS: number;
}

/** A machine that does not answer holds a place for eight seconds. It is asked once in so many times. */
const putOffWhenMute = 5;

/** Eight machines a second at most, which is 2 % of a core; every worker takes its share. */
export const usualPace: WatchPace = { everyS: 60, atOnce: 16, perRound: 40, pauseMs: 5_000, refusedS: 86_400 };

interface Deps {
  pool: Pool;
  logger: Logger;
  askUse: AskUse;
}

/**
 * Asks the machines of running jobs what their programs and GPUs are doing, and writes changes down as events. Each is one
 * short connection a minute; nothing that a machine says or does not say decides anything but its own customer's events.
 */
export function watchJobs(deps: Deps, pace: WatchPace = usualPace): { stop(): Promise<void> } {
  const leave = new AbortController();
  const running = loop(deps, pace, leave.signal);
  return {
    async stop() {
      leave.abort();
      await running;
    },
  };
}

async function loop(deps: Deps, pace: WatchPace, signal: AbortSignal): Promise<void> {
  const bell = createEventBell(deps.pool);
  while (!signal.aborted) {
    try {
      await watchOnce(deps, pace, (wallet) => bell.ring(wallet));
    } catch (error) {
      deps.logger.warn({ err: error }, 'the programs of jobs cannot be watched for now');
    }
    await sleep(pace.pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One round: asks about the jobs that are due. */
export async function watchOnce(
  { pool, logger, askUse }: Deps,
  { everyS, atOnce, perRound, refusedS }: WatchPace,
  ring: (wallet: string | undefined) => void,
): Promise<void> {
  await watchNewJobs(pool);
  const due = await takeDueWatches(pool, perRound, everyS);
  const failed = await sideBySide(due, atOnce, async ({ machine, known }: DueWatch) => {
    const answer = await askUse(machine);
    if (answer.kind === 'refused') return await putOffWatch(pool, machine.jobId, refusedS);
    if (answer.kind !== 'use') return await putOffWatch(pool, machine.jobId, putOffWhenMute * everyS);
    const changes = changesOf(known, answer.use);
    if (isSame(changes.now, known)) return;
    ring(await recordWatch(pool, machine.jobId, changes));
  });
  if (failed.length > 0) logger.warn({ err: failed[0]!.error, failed: failed.length }, 'some jobs were not watched');
}

function isSame(one: DueWatch['known'], other: DueWatch['known']): boolean {
  return (
    one.programState === other.programState &&
    one.restarts === other.restarts &&
    one.gpusLost === other.gpusLost &&
    one.events === other.events
  );
}
