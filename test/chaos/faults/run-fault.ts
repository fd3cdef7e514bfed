import { randomInt } from 'node:crypto';
import type { Invariant } from '../invariant-names.js';
import type { ChaosOptions } from '../options.js';
import { runChaos } from '../run.js';
import { hurried } from '../chain/pace.js';
import { silent, type Fault } from './fault.js';
import { plantBroker } from './plant.js';

/** The least that shows a fault: one job of each plan, all at once, no kills, and the broker in one process. */
const shortRun: Omit<ChaosOptions, 'seed'> = {
  ...{ jobs: 7, customers: 7, kills: 0, hostile: 0, withBroken: false, processes: ['broker'], registrations: 50 },
  quietWithinMs: 20_000,
  giveUpAfterMs: 240_000,
};
/** The unchanged broker has to pass a run with everything that any fault needs. */
const everything: Partial<ChaosOptions> = { withBroken: true, jobs: 14, ...silent };

/** The outcome of a run of a broker with or without faults. */
interface FaultRun {
  /** The first finding of each invariant that found something. */
  found: Partial<Record<Invariant, string>>;
  /** An entry for each fault that none of its invariants found; without a fault, the findings. */
  wrong: string[];
  seconds: number;
}

/** Runs chaos for a short while on a broker with these faults; without any, on the unchanged broker. */
export async function runWithFaults(
  faults: readonly Fault[],
  { seed = randomInt(2 ** 31), log = () => undefined }: { seed?: number; log?: (line: string) => void } = {},
): Promise<FaultRun> {
  const beganMs = Date.now();
  const options = faults.length === 0 ? [everything] : faults.map(({ run = {} }) => run);
  const edits = faults.flatMap((fault) => fault.edits);
  if (options.some(({ chain }) => chain !== undefined)) edits.push(...hurried);
  const planted = faults.length === 0 ? undefined : await plantBroker(edits);
  const env: Record<string, string> = planted === undefined ? {} : { BROKER_MAIN: planted.main };
  for (const each of options) Object.assign(env, each.env);
  try {
    const { findings, endedBecause } = await runChaos({
      ...shortRun,
      ...Object.assign({}, ...options),
      seed,
      env,
      log,
    });
    const found: FaultRun['found'] = {};
    for (const { invariant, violations } of findings) if (violations.length > 0) found[invariant] ??= violations[0]!;
    const wrong = faults
      .filter(({ foundBy }) => foundBy.every((each) => found[each] === undefined))
      .map(({ foundBy }) => foundBy.join(' or '));
    if (faults.length === 0) wrong.push(...Object.keys(found), ...(endedBecause === undefined ? [] : [endedBecause]));
    return { found, wrong, seconds: Math.round((Date.now() - beganMs) / 1_000) };
  } catch (error) {
    // If nothing can be tried with a broker, its invariants have not found the fault.
    const why = error instanceof Error ? error.message : String(error);
    return { found: {}, wrong: [`the run broke off: ${why}`], seconds: Math.round((Date.now() - beganMs) / 1_000) };
  } finally {
    planted?.remove();
  }
}
