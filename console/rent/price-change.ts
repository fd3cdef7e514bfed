import type { Quote } from '../../src/client/shapes.js';

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
