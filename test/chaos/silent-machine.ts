import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatedProvider } from '../../engines/simulated-provider/provider.js';

/** A time in which a machine was silent, and its jobs are not paid for. */
export interface Silence {
  fromMs: number;
  toMs: number;
}

/** Between a heartbeat and its stream id, by which the broker counts. */
const slackMs = 2_000;

/**
 * Silences a machine for at least this long, and until the broker has noticed; its node stays ready.
 *
 * @returns once the broker hears it again.
 */
export async function fallSilent(
  provider: SimulatedProvider,
  forMs: number,
  awayNow: ReadonlySet<string>,
  ended: AbortSignal,
): Promise<Silence> {
  const isAway = () => awayNow.has(provider.providerId);
  const until = async (what: () => boolean) => {
    while (!what() && !ended.aborted) await sleep(100);
  };
  await provider.beat();
  provider.stopHeartbeats();
  const fromMs = Date.now();
  await until(() => isAway() && Date.now() - fromMs >= forMs);
  const toMs = Date.now();
  provider.startHeartbeats();
  await provider.beat();
  await until(() => !isAway());
  // Its jobs are told a moment later.
  await sleep(5_000, undefined, { signal: ended }).catch(() => undefined);
  return { fromMs, toMs };
}

/** Whether a job that ran during this time has the silent part of it among its gaps. */
export function isGapOf(
  { fromMs, toMs }: Silence,
  [startedMs, servedMs]: [number, number],
  gaps: readonly Silence[],
): boolean {
  const lackedMs = Math.min(toMs, servedMs) - Math.max(fromMs, startedMs) - slackMs;
  const inGapsMs = gaps.reduce(
    (sum, gap) => sum + Math.max(0, Math.min(gap.toMs, servedMs) - Math.max(gap.fromMs, startedMs)),
    0,
  );
  return lackedMs <= 0 || inGapsMs >= lackedMs;
}
