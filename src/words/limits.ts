import { amountText, type Money } from './money.js';

/** From this share on a limit is nearly used, as the broker sees it, too. */
const nearPercent = 80n;

/** What of a limit is used, in whole percents, rounded down; 100 of one that allows nothing. */
export function usedPercent(used: string, limit: string): bigint {
  const [of, most] = [BigInt(used), BigInt(limit)];
  return most === 0n ? 100n : (of * 100n) / most;
}

/** Whether most of a limit is used. One that allows nothing was meant so. */
export const isNearlyUsed = (used: string, limit: string) => limit !== '0' && usedPercent(used, limit) >= nearPercent;

/** `84 % of your monthly cap is used: 8.40 of 10.00 WLC`. */
export function usedText(name: string, used: string, limit: string, money: Pick<Money, 'symbol' | 'decimals'>): string {
  const [of, most] = [used, limit].map((amount) => amountText(amount, money.decimals));
  return `${usedPercent(used, limit)} % of ${name} is used: ${of} of ${most} ${money.symbol}`;
}
