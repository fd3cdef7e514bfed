import type { Quote } from '../../src/client/shapes.js';
import { figureOf } from '../parts/amounts.js';
import { amountInWords, plain } from '../parts/words.js';

/** An order was not sent: what it would cost now is not what the person had agreed to. */
export class PriceRefusal extends Error {
  override readonly name = 'PriceRefusal';
  constructor(readonly quote: Quote) {
    super('The price has changed. Nothing was ordered.');
  }
}

type Costs = Pick<Quote, 'can_start' | 'cost'>;

/** Whether an order may cost more than was shown, or can no longer start. Whoever agreed to more agrees to less. */
export function isDearer(shown: Costs, now: Costs): boolean {
  if (!now.can_start || now.cost === null || shown.cost === null) return true;
  const more = (of: 'expected' | 'at_most') => BigInt(now.cost![of]) > BigInt(shown.cost![of]);
  return more('expected') || more('at_most');
}

/**
 * What rose, beside what it was: `It is 2.00 WLC in all now, instead of 1.00 WLC.` Where the figures for people are the
 * same, all digits are shown.
 */
export function riseText(was: Costs['cost'], now: Costs['cost'], token: { symbol: string; decimals: number }): string {
  if (was === null || now === null) return '';
  const { decimals } = token;
  const symbol = plain(token.symbol, 12);
  const rises = (['expected', 'at_most'] as const).flatMap((of) => {
    if (was[of] === now[of]) return [];
    const [before, after] = [figureOf(was[of], decimals), figureOf(now[of], decimals)];
    const text = (units: string, figure: string) =>
      before === after ? amountInWords(units, { symbol, decimals }) : `${figure} ${symbol}`;
    return `${text(now[of], after)} ${of === 'expected' ? 'in all' : 'at most'} now, instead of ${text(was[of], before)}`;
  });
  return rises.length === 0 ? '' : `It is ${rises.join(', and ')}.`;
}
