import type { Pool } from 'pg';
import { differingMoney, type MoneyInvariant } from '../../src/db/money-invariants.js';

/** These compare receipts. The one that requests are made with is of a job that was never settled. */
const ofReceipts: readonly MoneyInvariant[] = ['I7', 'I8'];

/** Where money differs after all that was sent: an answer can look right while the books are wrong. */
export async function booksFaults(pool: Pool): Promise<string[]> {
  const differing = await differingMoney(pool, 'everything');
  return differing
    .filter(({ invariant }) => !ofReceipts.includes(invariant))
    .map(({ invariant, count, examples }) => `money, ${invariant}: ${count} differ: ${examples.join(', ')}`);
}
