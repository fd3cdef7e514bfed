import type { Pool } from 'pg';
import type { Logger } from 'pino';
import {
  readLedgerChecks,
  recordFullCompared,
  recordFullFailed,
  recordFullTried,
  recordNewCompared,
  type LedgerChecks,
} from '../../src/db/ledger-checks.js';
import {
  compareInvariant,
  incrementalInvariants,
  moneyInvariants,
  moneyInvariantSays,
  type MoneyDifference,
  type MoneyInvariant,
  type Since,
} from '../../src/db/money-invariants.js';
import { printable } from '../../src/domain/outside.js';
import { moneyCompared, moneyDiffers } from '../../src/observability/metrics.js';
import type { RepairLog } from './repairs.js';

/** How often everything is compared by an invariant, and how often while it is violated. */
const fullEveryMs = 3_600_000;
const fullWhileDifferingMs = 600_000;

/** How long comparisons may take. Together with all else they fit into the three minutes of the activity. */
interface ComparisonLimits {
  /** Of new entries, by one invariant. */
  newMs: number;
  /** From the beginning of the activity: the invariants share what is left until then for new entries. */
  newWithinMs: number;
  /** Of everything, by one invariant. */
  fullMs: number;
  /** From the beginning of the activity: later, nothing but the first is compared over everything until the next run. */
  fullBeginsWithinMs: number;
  /** From the beginning of the activity: then every comparison has ended. */
  allWithinMs: number;
}
export const comparisonLimits: ComparisonLimits = {
  ...{ newMs: 15_000, newWithinMs: 55_000 },
  ...{ fullMs: 100_000, fullBeginsWithinMs: 60_000, allWithinMs: 165_000 },
};
/** Of each comparison, at least: a limit of 0 would be none. */
const leastMs = 1_000;

/** Where money is compared, and what has to be told about it. */
interface Comparing {
  pool: Pool;
  logger: Logger;
  log: RepairLog;
  limits: ComparisonLimits;
  beganMs: number;
}

/**
 * Compares new entries, then everything by the invariants that are due, and by the first of them however long the new
 * entries took. Each is compared by itself: one that takes too long hides none of the others, and stands as one that
 * cannot be compared.
 */
export async function compareByInvariants(comparing: Comparing): Promise<void> {
  const { pool, limits, beganMs } = comparing;
  const checks = await readLedgerChecks(pool);
  await compareNew(comparing, checks.seenEntry);
  for (const [at, invariant] of dueInFull(checks).entries()) {
    if (at > 0 && Date.now() - beganMs > limits.fullBeginsWithinMs) break;
    await compareFull(comparing, invariant);
  }
  showMetrics(await readLedgerChecks(pool));
}

async function compareNew(comparing: Comparing, afterEntry: number): Promise<void> {
  const { limits } = comparing;
  const found: MoneyDifference[] = [];
  let isWhole = true;
  for (const [at, invariant] of incrementalInvariants.entries()) {
    // What one does not need is for those after it.
    const share = leftMs(comparing, limits.newWithinMs) / (incrementalInvariants.length - at);
    const difference = await compareBy(comparing, invariant, { afterEntry }, Math.min(limits.newMs, share));
    if ('why' in difference) isWhole = false;
    else if (difference.count > 0) found.push(difference);
  }
  await recordNewCompared(comparing.pool, { found, isWhole });
}

async function compareFull(comparing: Comparing, invariant: MoneyInvariant): Promise<void> {
  const { pool, limits } = comparing;
  await recordFullTried(pool, invariant);
  const mostMs = Math.min(limits.fullMs, leftMs(comparing, limits.allWithinMs));
  const difference = await compareBy(comparing, invariant, 'everything', mostMs);
  if ('why' in difference) await recordFullFailed(pool, invariant, difference.why);
  else await recordFullCompared(pool, difference);
}

const leftMs = ({ beganMs }: Comparing, withinMs: number) => beganMs + withinMs - Date.now();

async function compareBy(
  { pool, logger, log }: Comparing,
  invariant: MoneyInvariant,
  since: Since,
  mostMs: number,
): Promise<MoneyDifference | { why: string }> {
  let difference: MoneyDifference;
  const isFull = since === 'everything';
  try {
    difference = await compareInvariant(pool, invariant, since, Math.max(leastMs, Math.floor(mostMs)));
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    log.failed(`money, ${invariant}: ${isFull ? 'everything' : 'what is new'} could not be compared`, cause);
    return { why: (cause instanceof Error && printable(cause.message, 200)) || 'failed' };
  }
  const { count, examples } = difference;
  if (count > 0) {
    logger.error({ invariant, count, examples }, 'money differs: a person has to look');
    const why = `${moneyInvariantSays(invariant)}, but not for ${examples.join(', ')}`;
    log.failed(`money, ${invariant}: ${count} differ`, new Error(why));
  }
  return difference;
}

/** Those that waited longest first. */
function dueInFull({ full, differs }: LedgerChecks): MoneyInvariant[] {
  const due = full.filter(({ invariant, triedAt }) => {
    const everyMs = differs[invariant] === undefined ? fullEveryMs : fullWhileDifferingMs;
    return triedAt === undefined || Date.now() - triedAt.getTime() >= everyMs;
  });
  const waitedSince = ({ triedAt }: { triedAt?: Date }) => triedAt?.getTime() ?? 0;
  return due.sort((a, b) => waitedSince(a) - waitedSince(b)).map(({ invariant }) => invariant);
}

function showMetrics({ differs, checkedAt, full }: LedgerChecks): void {
  for (const invariant of moneyInvariants) moneyDiffers.set({ invariant }, differs[invariant] ?? 0);
  const seconds = (at: Date | undefined) => (at?.getTime() ?? 0) / 1000;
  moneyCompared.set({ invariant: 'new' }, seconds(checkedAt));
  for (const { invariant, comparedAt } of full) moneyCompared.set({ invariant }, seconds(comparedAt));
}
