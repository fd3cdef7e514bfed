import type { Address } from 'viem';
import type { Content, Line } from './vault-calls.js';

/** Totals that only grow: what each is afterwards, and by how much all have grown. */
export function totals(
  lines: Line[],
  present: (who: Address) => bigint,
  check: (who: Address, total: bigint) => void = () => undefined,
): { after: Map<Address, bigint>; sum: bigint } {
  const after = new Map<Address, bigint>();
  let sum = 0n;
  for (const { who, cumulative } of lines) {
    const before = after.get(who) ?? present(who);
    if (cumulative <= before) continue;
    check(who, cumulative);
    after.set(who, cumulative);
    sum += cumulative - before;
  }
  return { after, sum };
}

export function textOf({ draws, credits }: Content): string {
  return [draws, credits].map((lines) => lines.map((each) => `${each.who}:${each.cumulative}`).join()).join('/');
}
