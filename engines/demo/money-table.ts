import { formatUnits } from 'viem';

/** An account on the chain, in units of the token. */
export interface MoneyRow {
  name: string;
  before: bigint;
  after: bigint;
}

const widths = { name: 29, amount: 14 };

/**
 * Who had how much before and after, 71 columns wide, with the sum in the last line.
 *
 * @throws Error if the sums differ
 */
export function moneyTable(rows: readonly MoneyRow[], decimals: number): string[] {
  const sum = (of: 'before' | 'after') => rows.reduce((total, row) => total + row[of], 0n);
  const together = { name: 'together', before: sum('before'), after: sum('after') };
  const text = (units: bigint) => {
    const [whole, fraction = ''] = formatUnits(units, decimals).split('.');
    return `${whole}${decimals === 0 ? '' : `.${fraction.padEnd(decimals, '0')}`}`;
  };
  const change = (units: bigint) => (units === 0n ? '' : `${units > 0n ? '+' : ''}${text(units)}`);
  const line = (name: string, amounts: string[]) =>
    `${name.padEnd(widths.name)}${amounts.map((amount) => amount.padStart(widths.amount)).join('')}`.trimEnd();
  const rule = '─'.repeat(widths.name + 3 * widths.amount);
  const lineOf = ({ name, before, after }: MoneyRow) => line(name, [text(before), text(after), change(after - before)]);
  if (together.before !== together.after) {
    throw new Error(`the balances do not add up: ${text(together.before)} before, ${text(together.after)} after`);
  }
  return [line('tokens', ['before', 'after', 'change']), rule, ...rows.map(lineOf), rule, lineOf(together)];
}
