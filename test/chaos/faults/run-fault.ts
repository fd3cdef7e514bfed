import { randomInt } from 'node:crypto';
import type { Invariant } from '../invariant-names.js';
import { runChaos, type ChaosOptions } from '../run.js';
import { silent, type Fault } from './faults.js';
import { plantBroker } from './plant.js';

/** As little as shows a fault: one job of each plan, all at once, nobody is killed, and the broker is one process. */
const shortRun: Omit<ChaosOptions, 'seed'> = {
  ...{ jobs: 7, customers: 7, kills: 0, hostile: 0, withBroken: false, processes: ['broker'], registrations: 50 },
  quietWithinMs: 20_000,
  giveUpAfterMs: 240_000,
};

/** The broker as it is has to pass whatever any of the faults needs. */
const everything: Partial<ChaosOptions> = { withBroken: true, jobs: 14, ...silent };

/** What became of a run of a broker with a fault, or of one without. */
export interface FaultRun {
  /** What found something, and the first that it found. */
  found: Partial<Record<Invariant, string>>;
  /** Whether that is what should have: one of those that the fault names, or nothing where there is no fault. */
  isRight: boolean;
  seconds: number;
}

/** Runs chaos for a short while on a broker with a fault; without one, on the broker as it is. */
export async function runWithFault(
  fault: Fault | undefined,
  { seed = randomInt(2 ** 31), log = () => undefined }: { seed?: number; log?: (line: string) => void } = {},
): Promise<FaultRun> {
  const beganMs = Date.now();
  const planted = fault === undefined ? undefined : await plantBroker(fault);
  try {
    const { env, ...run } = fault?.run ?? everything;
    const main = planted === undefined ? {} : { BROKER_MAIN: planted.main };
    const { findings, endedBecause } = await runChaos({ ...shortRun, ...run, seed, env: { ...env, ...main }, log });
    const found: FaultRun['found'] = {};
    for (const { invariant, violations } of findings) if (violations.length > 0) found[invariant] ??= violations[0]!;
    const isRight =
      fault === undefined
        ? Object.keys(found).length === 0 && endedBecause === undefined
        : fault.foundBy.some((each) => found[each] !== undefined);
    return { found, isRight, seconds: Math.round((Date.now() - beganMs) / 1_000) };
  } finally {
    planted?.remove();
  }
}
