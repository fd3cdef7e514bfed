import type { BatchLine } from '../wire/settlement-batch.js';
import { creditedUnits, drawOf, type DrawFacts } from './vault-units.js';

type Wallet = BatchLine['wallet'];

export interface ToSettle {
  customers: readonly (DrawFacts & {
    wallet: Wallet;
    /** What he allowed by a permit that the vault has not seen: units of the token. */
    permitCap?: bigint;
  })[];
  /** What the ledger owes each proven payee, in base units, and his line in the last settlement. */
  providers: readonly { wallet: Wallet; balance: bigint; before: bigint }[];
  /** Units of the token that earlier settlements drew and credited to nobody. */
  undistributed: bigint;
}

export interface CutLines {
  draws: BatchLine[];
  credits: (BatchLine & {
    /** What moves in the ledger, in base units: the new part of the total. */
    moved: bigint;
  })[];
  /** Whether something was left for the next settlement. */
  isCutShort: boolean;
  /** Units of the token that payees have earned and the vault does not have: customers owe them. */
  uncovered: bigint;
}

/**
 * Works out the lines of a settlement: the wallets whose totals changed. Draws come first, because what is credited has
 * to be drawn; nobody is credited what is not there, so the vault never refuses a settlement as a whole for a customer
 * who owes.
 *
 * @param most lines that one transaction can carry, and permits beside them.
 */
export function cutLines({ customers, providers, undistributed }: ToSettle, scale: bigint, most: Most): CutLines {
  const { totals, isShortOfPermits } = totalsOf(customers, scale, most.permits);
  const changed = totals.filter(({ cumulative, before }) => cumulative > before);
  const draws = changed.slice(0, most.lines);
  let available = draws.reduce((sum, { cumulative, before }) => sum + cumulative - before, undistributed);
  const credits: CutLines['credits'] = [];
  let uncovered = 0n;
  let isCutShort = changed.length > draws.length || isShortOfPermits;
  for (const { wallet, balance, before } of providers) {
    const earned = balance > 0n ? creditedUnits(balance, scale) : 0n;
    const units = earned < available ? earned : available > 0n ? available : 0n;
    if (units < earned) uncovered += earned - units;
    if (units === 0n) continue;
    if (draws.length + credits.length >= most.lines) {
      isCutShort = true;
      continue;
    }
    credits.push({ wallet, cumulative: before + units, moved: units * scale });
    available -= units;
  }
  return { draws: ordered(draws), credits: ordered(credits), isCutShort, uncovered };
}

/** How much one transaction can carry. */
export interface Most {
  lines: number;
  permits: number;
}

/** What is drawn of each in all. A permit is used only where it is needed: its wallet pays no gas for it, but somebody does. */
function totalsOf(customers: ToSettle['customers'], scale: bigint, mostPermits: number) {
  let permits = 0;
  let isShortOfPermits = false;
  const totals = customers.map(({ wallet, permitCap, ...facts }) => {
    const plain = { wallet, cumulative: drawOf(facts, scale), before: facts.before };
    const allowed =
      permitCap === undefined || permitCap <= facts.cap ? undefined : drawOf({ ...facts, cap: permitCap }, scale);
    if (allowed === undefined || allowed <= plain.cumulative) return plain;
    if (permits === mostPermits) {
      isShortOfPermits = true;
      return plain;
    }
    permits++;
    return { ...plain, cumulative: allowed };
  });
  return { totals, isShortOfPermits };
}

/** By wallet, so that everybody who has the lines makes the same hash of them. */
function ordered<T extends { wallet: string }>(lines: readonly T[]): T[] {
  return [...lines].sort((a, b) => (a.wallet < b.wallet ? -1 : 1));
}
