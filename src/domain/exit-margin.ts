/** Before an exit a settlement is proposed and executed, and half a week is left for what goes wrong. */
export const jobsEndBeforeExitS = 48 * 3_600;
/** A settlement may wait for gas, for a node, or for final blocks. */
const mostMarginS = 3_600;

/**
 * How long before his exit a customer is drawn for the last time, in seconds. A settlement that is cut later might be executed
 * after he has taken his money, and would be refused as a whole; then what he owes is owed as by anybody who left. Where
 * exits take minutes, half of what is left after the end of his jobs is kept.
 */
export function drawnBeforeExitS({ batchDelayS, exitDelayS }: { batchDelayS: number; exitDelayS: number }): number {
  const afterJobsS = Math.min(jobsEndBeforeExitS, exitDelayS / 2) - batchDelayS;
  return batchDelayS + Math.max(0, Math.min(mostMarginS, afterJobsS / 2));
}

/**
 * How long before an exit somebody has to hear that the wallet still has something reserved, or not drawn: half way between
 * the end of its jobs and the moment from which it is drawn no more. 30 hours and a half by the delays of a real site.
 */
export function warnedBeforeExitS(vault: { batchDelayS: number; exitDelayS: number }): number {
  const drawnS = drawnBeforeExitS(vault);
  return drawnS + Math.max(0, Math.min(jobsEndBeforeExitS, vault.exitDelayS / 2) - drawnS) / 2;
}

/** Receipts are signed every minute; two of them pass in any case. */
const leastSigningS = 120;

/**
 * How long a settlement waits for the signatures of its receipts, from its cut: for half of the margin that it has before
 * customers leave. Half an hour by the delays of a real site.
 */
export function signedWithinS(vault: { batchDelayS: number; exitDelayS: number }): number {
  return Math.max(leastSigningS, (drawnBeforeExitS(vault) - vault.batchDelayS) / 2);
}
