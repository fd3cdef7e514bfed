/** What is known of a vault that settlements go to. */
export interface SettlingVault {
  batchDelayS: number;
  exitDelayS: number;
  /** Everything that was booked until then has been settled. */
  settledUntil: Date;
}

const hourS = 3_600;

/**
 * How much later than planned everything that was booked is settled, in seconds. Between two settlements in time their
 * interval passes, and the delay in which the second one may be vetoed.
 */
export function settlementLateS(vault: SettlingVault, intervalH: number, nowMs: number): number {
  return Math.max(0, unsettledForS(vault, nowMs) - intervalH * hourS - vault.batchDelayS);
}

/**
 * Whether nothing has been settled for so long that no further order should be taken. Customers may leave the vault after
 * its exit delay: what is charged has to be drawn before. Of 7 days, 3 are kept for a day of charges, the delay of a
 * settlement and what goes wrong. A settlement that is not even late stalls nothing, however short the exit delay is.
 */
export function isStalled(vault: SettlingVault, intervalH: number, nowMs: number): boolean {
  const onTimeS = intervalH * hourS + 2 * vault.batchDelayS + hourS;
  return unsettledForS(vault, nowMs) > Math.max((vault.exitDelayS * 4) / 7, onTimeS);
}

const unsettledForS = ({ settledUntil }: SettlingVault, nowMs: number) => (nowMs - settledUntil.getTime()) / 1_000;
