import type { BatchLine } from '../wire/settlement-batch.js';
import { creditedUnits, drawOf, type DrawFacts } from './vault-units.js';

type Wallet = BatchLine['wallet'];

export interface ToSettle {
  customers: readonly (DrawFacts & {
    wallet: Wallet;
    /** What he allowed by a permit that the vault has not seen: units of the token. */
    permitCap?: bigint;
    /** Whether he has asked the vault for all of his money: what is not drawn in time is lost. */
    isLeaving?: boolean;
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
  /** Whether that is less than a hundredth of what it carries, or nothing. */
  isLeftLittle: boolean;
  /** Units of the token that payees have earned and the vault does not have: customers owe them. */
  uncovered: bigint;
}

/** How much one transaction can carry. */
interface Capacity {
  lines: number;
  permits: number;
}

/**
 * Works out the lines of a settlement: the wallets whose totals changed. Where one transaction cannot carry all of them,
 * those who leave the vault are drawn first, then those of whom most is drawn; half of the lines are kept for payees, as
 * far as nobody leaves who needs them. Nobody is credited what is not there, so the vault never refuses a settlement as a
 * whole for a customer who owes.
 *
 * @param capacity lines that one transaction can carry, and permits beside them.
 */
export function cutLines(
  { customers, providers, undistributed }: ToSettle,
  scale: bigint,
  capacity: Capacity,
): CutLines {
  const payees = payeesOf(providers, scale);
  const drawn = drawsOf(customers, scale, capacity, payees.length);
  let available = undistributed + drawn.units;
  const credits: CutLines['credits'] = [];
  let uncovered = 0n;
  let [credited, leftToCredit] = [0n, 0n];
  for (const { wallet, earned, before } of payees) {
    const units = earned < available ? earned : available > 0n ? available : 0n;
    if (units < earned) uncovered += earned - units;
    if (units === 0n) continue;
    if (drawn.draws.length + credits.length >= capacity.lines) {
      leftToCredit += units;
      continue;
    }
    credited += units;
    credits.push({ wallet, cumulative: before + units, moved: units * scale });
    available -= units;
  }
  return {
    draws: ordered(drawn.draws),
    credits: ordered(credits),
    isCutShort: drawn.left > 0n || leftToCredit > 0n,
    isLeftLittle: isLittle(drawn.left, drawn.units) && isLittle(leftToCredit, credited),
    // What the next settlement draws may cover it.
    uncovered: drawn.left > 0n ? 0n : uncovered,
  };
}

const isLittle = (left: bigint, carried: bigint) => left * 100n <= carried;

/** Who has earned something that is a whole unit, most first: so as much as possible is paid by the lines there are. */
function payeesOf(providers: ToSettle['providers'], scale: bigint) {
  return providers
    .map(({ wallet, balance, before }) => ({
      ...{ wallet, before },
      earned: balance > 0n ? creditedUnits(balance, scale) : 0n,
    }))
    .filter(({ earned }) => earned > 0n)
    .sort((a, b) => bySize(a.earned, b.earned) || byWallet(a, b));
}

interface DrawLine extends BatchLine {
  before: bigint;
}

/** A permit is used only where it is needed: its wallet pays no gas for it, but somebody does. */
function drawsOf(
  customers: ToSettle['customers'],
  scale: bigint,
  capacity: Capacity,
  payees: number,
): { draws: DrawLine[]; units: bigint; left: bigint } {
  const wanted = wantedOf(customers, scale);
  const leaving = wanted.filter(({ isLeaving }) => isLeaving).length;
  // Payees can wait, and a customer who leaves does not.
  const room = Math.max(
    capacity.lines - Math.min(payees, Math.floor(capacity.lines / 2)),
    Math.min(leaving, capacity.lines),
  );
  const draws: DrawLine[] = [];
  let permits = 0;
  let [units, left] = [0n, 0n];
  for (const { wallet, cumulative, withoutPermit, before } of wanted) {
    const lacksPermit = cumulative > withoutPermit && permits === capacity.permits;
    const possible = lacksPermit ? withoutPermit : cumulative;
    const drawn = possible > before && draws.length < room ? possible : before;
    left += cumulative - drawn;
    if (drawn === before) continue;
    units += drawn - before;
    if (drawn > withoutPermit) permits++;
    draws.push({ wallet, cumulative: drawn, before });
  }
  return { draws, units, left };
}

/** Of whom something is to be drawn: how much in all, and how much without his permit. Whoever comes first is drawn first. */
function wantedOf(customers: ToSettle['customers'], scale: bigint) {
  return customers
    .map(({ wallet, permitCap, isLeaving = false, ...facts }) => {
      const withoutPermit = drawOf(facts, scale);
      const permitted =
        permitCap === undefined || permitCap <= facts.cap ? withoutPermit : drawOf({ ...facts, cap: permitCap }, scale);
      return { wallet, isLeaving, cumulative: permitted, withoutPermit, before: facts.before };
    })
    .filter(({ cumulative, before }) => cumulative > before)
    .sort(
      (a, b) =>
        Number(b.isLeaving) - Number(a.isLeaving) ||
        bySize(a.cumulative - a.before, b.cumulative - b.before) ||
        byWallet(a, b),
    );
}

const bySize = (a: bigint, b: bigint) => (a > b ? -1 : a < b ? 1 : 0);
const byWallet = (a: { wallet: string }, b: { wallet: string }) =>
  a.wallet < b.wallet ? -1 : a.wallet > b.wallet ? 1 : 0;

/** By wallet, so that everybody who has the lines makes the same hash of them. */
function ordered<T extends { wallet: string }>(lines: readonly T[]): T[] {
  return [...lines].sort(byWallet);
}
