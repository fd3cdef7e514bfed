import { batchHash, type BatchLine } from '../wire/settlement-batch.js';
import type { Bounds, ReceiptTotals } from './receipt-totals.js';
import { creditedUnits, drawnUnits } from './vault-units.js';

type Address = BatchLine['wallet'];

/** A settlement as its broker says it is, and as the vault has it. */
export interface ProposedSettlement {
  number: number;
  chainId: number;
  vault: Address;
  /** On the chain. */
  hash: string;
  draws: readonly BatchLine[];
  credits: readonly BatchLine[];
}

/** What the vault says at one block, in units of its token. */
export interface VaultTotals {
  customers: ReadonlyMap<Address, { balance: bigint; spent: bigint; cap: bigint }>;
  payees: ReadonlyMap<Address, bigint>;
  /** What was drawn and is credited to nobody yet. */
  fees: bigint;
  /** Customers who deposited, allowed more or took something out about when it was cut. */
  changing: Pick<ReadonlySet<string>, 'has'>;
}

/** What moved money without a receipt. Base units; all since the beginning. */
export interface Unreceipted {
  /** To whom the earnings of a provider belong that no receipt names a wallet for, proven by the wallet's signature. */
  claims: readonly { providerId: string; wallet: Address; amount: bigint }[];
  /** By hand: to providers, as far as that was approved; and by customers. */
  paidOut: ReadonlyMap<Address, bigint>;
  paidIn: ReadonlyMap<Address, bigint>;
}

/** Something in a settlement that nothing explains. */
export interface Objection {
  /** `draw 0x…`, `credit 0x…`, `the hash`, or which receipt. */
  line: string;
  expected: string;
  found: string;
}

export interface Verdict {
  objections: Objection[];
  /** What is unusual, and takes nothing from anybody. */
  notes: string[];
  /** Payees wait because customers owe: then each customer's money on the vault matters. */
  isShort: boolean;
}

/** As many lines as a settlement has at most: one that is full may leave something for the next. */
const mostLines = 1_000;

/** Holds each line of a settlement against what explains it. */
export function judgeSettlement(
  proposed: ProposedSettlement,
  totals: Pick<ReceiptTotals, 'customers' | 'payees' | 'unnamed'>,
  others: Unreceipted,
  vault: VaultTotals,
  scale: bigint,
): Verdict {
  const form = formObjections(proposed);
  if (form.length > 0) return { objections: form, notes: [], isShort: false };
  const draws = proposed.draws.flatMap(({ wallet, cumulative }) => {
    const spent = vault.customers.get(wallet)?.spent ?? 0n;
    const charged = totals.customers.get(wallet)?.high ?? 0n;
    // A refund makes a draw no smaller than it was.
    return above(`draw ${wallet}`, cumulative, most(drawnUnits(positive(charged), scale), spent), 'charged');
  });
  const owed = earnings(totals, others);
  const credits = proposed.credits.flatMap(({ wallet, cumulative }) => {
    const earned = creditedUnits(positive(owed.get(wallet)?.high ?? 0n), scale);
    return above(`credit ${wallet}`, cumulative, most(earned, vault.payees.get(wallet) ?? 0n), 'earned');
  });
  const left = remainder(proposed, vault);
  // The vault takes no such sum, so it moves nothing; the treasury may have been emptied since it was cut.
  const sum =
    left < 0n ? [`the sum: ${-left} units more are credited than are there, and the vault will refuse it`] : [];
  const short = shortfalls(proposed, owed, others, vault, scale);
  const missing =
    short.length === 0
      ? { objections: [], notes: [], isShort: false }
      : judgeShort(short, left, { proposed, totals, others, vault, scale });
  return {
    objections: [...draws, ...credits, ...missing.objections],
    notes: [...sum, ...missing.notes],
    isShort: missing.isShort,
  };
}

function formObjections({ hash, draws, credits, chainId, vault }: ProposedSettlement): Objection[] {
  const objections = [...disorder('draw', draws), ...disorder('credit', credits)];
  if (objections.length > 0) return objections;
  const own = batchHash({ chainId, vault, draws, credits });
  return own === hash.toLowerCase()
    ? []
    : [{ line: 'the hash', expected: `${own}, of the lines that the broker shows`, found: `${hash} on the chain` }];
}

/** Each wallet once: the vault would take both. */
function disorder(side: string, lines: readonly BatchLine[]): Objection[] {
  return lines.flatMap(({ wallet }, at) =>
    at > 0 && lines[at - 1]!.wallet >= wallet
      ? [
          {
            line: `${side} ${wallet}`,
            expected: 'each wallet once, in order',
            found: `it follows ${lines[at - 1]!.wallet}`,
          },
        ]
      : [],
  );
}

function above(line: string, found: bigint, explained: bigint, what: string): Objection[] {
  if (found <= explained) return [];
  return [{ line, expected: `at most ${explained} units, which receipts say were ${what}`, found: `${found}` }];
}

/** What each wallet has earned in all, base units; `low` only what is beyond doubt. */
function earnings(
  { payees, unnamed }: Pick<ReceiptTotals, 'payees' | 'unnamed'>,
  { claims }: Unreceipted,
): Map<Address, Bounds> {
  const owed = new Map(payees);
  const add = (wallet: Address, low: bigint, high: bigint) => {
    const before = owed.get(wallet) ?? { low: 0n, high: 0n };
    owed.set(wallet, { low: before.low + low, high: before.high + high });
  };
  const claimed = new Map<string, { wallet: Address; amount: bigint }>();
  for (const { providerId, wallet, amount } of claims)
    claimed.set(providerId, { wallet, amount: (claimed.get(providerId)?.amount ?? 0n) + amount });
  for (const [providerId, { wallet, amount }] of claimed) {
    const { high = 0n, refunded = 0n } = unnamed.get(providerId) ?? {};
    const sure = least(amount, positive(high)) - refunded;
    add(wallet, positive(sure), positive(high));
  }
  return owed;
}

/** Units that the vault has for payees once all lines are executed. */
function remainder({ draws, credits }: ProposedSettlement, { customers, payees, fees }: VaultTotals): bigint {
  const drawn = draws.reduce(
    (sum, { wallet, cumulative }) => sum + positive(cumulative - (customers.get(wallet)?.spent ?? 0n)),
    0n,
  );
  const credited = credits.reduce(
    (sum, { wallet, cumulative }) => sum + positive(cumulative - (payees.get(wallet) ?? 0n)),
    0n,
  );
  return fees + drawn - credited;
}

interface Shortfall {
  wallet: Address;
  due: bigint;
  has: bigint;
}

/** Payees who would have less than they earned. */
function shortfalls(
  { credits }: ProposedSettlement,
  owed: ReadonlyMap<Address, Bounds>,
  { paidOut }: Unreceipted,
  { payees }: VaultTotals,
  scale: bigint,
): Shortfall[] {
  const lines = new Map(credits.map(({ wallet, cumulative }) => [wallet, cumulative]));
  return [...owed].flatMap(([wallet, { low }]) => {
    const due = creditedUnits(positive(low - (paidOut.get(wallet) ?? 0n)), scale);
    const has = most(lines.get(wallet) ?? 0n, payees.get(wallet) ?? 0n);
    return has < due ? [{ wallet, due, has }] : [];
  });
}

/** Payees get less than they earned only where the vault has no more, because customers owe; or the settlement is full. */
function judgeShort(
  short: readonly Shortfall[],
  left: bigint,
  {
    proposed,
    totals,
    others,
    vault,
    scale,
  }: {
    proposed: ProposedSettlement;
    totals: Pick<ReceiptTotals, 'customers'>;
    others: Unreceipted;
    vault: VaultTotals;
    scale: bigint;
  },
): Verdict {
  if (proposed.draws.length + proposed.credits.length >= mostLines)
    return { objections: [], notes: [`it is full: ${short.length} payees wait for the next one`], isShort: false };
  if (left > 0n) {
    const cheated = short.map(({ wallet, due, has }) => ({
      line: `credit ${wallet}`,
      expected: `${due} units, which receipts say were earned`,
      found: has === 0n ? 'none' : `${has}`,
    }));
    return { objections: cheated, notes: [], isShort: false };
  }
  const lines = new Map(proposed.draws.map(({ wallet, cumulative }) => [wallet, cumulative]));
  const spared = [...totals.customers].flatMap(([wallet, { low }]): string[] => {
    const there = vault.customers.get(wallet);
    if (there === undefined || vault.changing.has(wallet)) return [];
    const charged = drawnUnits(positive(low - (others.paidIn.get(wallet) ?? 0n)), scale);
    const due = least(charged, least(there.cap, there.balance + there.spent));
    const found = most(lines.get(wallet) ?? 0n, there.spent);
    if (found >= due) return [];
    return [`draw ${wallet}: ${due} units could be drawn, because payees lack them; found ${found}`];
  });
  // It takes nothing from anybody; a wallet that the vault has refused is left out like this, too.
  const notes = [`customers owe: ${short.length} payees wait for what the vault does not have`, ...spared];
  return { objections: [], notes, isShort: true };
}

const positive = (amount: bigint) => (amount > 0n ? amount : 0n);
const most = (a: bigint, b: bigint) => (a > b ? a : b);
const least = (a: bigint, b: bigint) => (a < b ? a : b);
