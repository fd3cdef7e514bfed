import type { MonthlyCap } from '../../src/client/types.generated.js';

/** From here on the broker warns. */
const nearPercent = 80n;

export interface CapUse {
  state: 'free' | 'near' | 'reached';
  /** Whole percent, rounded down. */
  percent: number;
}

/** How much of a cap is used, by what was charged and what is reserved. */
export function capUse({ amount, charged, reserved }: Pick<MonthlyCap, 'amount' | 'charged' | 'reserved'>): CapUse {
  const [all, used] = [BigInt(amount), BigInt(charged) + BigInt(reserved)];
  const percent = all === 0n ? 100n : (used * 100n) / all;
  const state = used >= all ? 'reached' : percent >= nearPercent ? 'near' : 'free';
  return { state, percent: Number(percent > 999n ? 999n : percent) };
}

/** Whether a change needs the wallet's signature: more than before, or no bound any more. */
export function needsWallet(now: Pick<MonthlyCap, 'amount'> | null, next: string | undefined): boolean {
  return now !== null && (next === undefined || BigInt(next) > BigInt(now.amount));
}
