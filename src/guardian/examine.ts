import type { Address } from 'viem';
import type { Rpc } from '../chain/rpc.js';
import { addReceipts, type GoodReceipt, type ReceiptTotals } from '../domain/receipt-totals.js';
import {
  judgeSettlement,
  type Objection,
  type ProposedSettlement,
  type Unreceipted,
} from '../domain/settlement-verdict.js';
import { checkForeignReceipt, type ForeignReceipt, type TrustedIssuer } from '../domain/trusted-receipt.js';
import { providerRegistrationDigest } from '../wire/provider-typed-data.js';
import type { JobReceipt } from '../wire/job-receipt.js';
import type { Recover } from '../wire/recover.js';
import type { Approvals } from './approvals.js';
import { NoEvidence, type Broker, type NamedBooking } from './broker.js';
import type { Memory } from './memory.js';
import { totalsAt, type Pending, type VaultView } from './vault.js';

export interface ExamineDeps {
  rpcs: readonly Rpc[];
  broker: Broker;
  recover: Recover;
  facts: { chainId: number; vault: Address; scale: bigint };
  issuer: Omit<TrustedIssuer, 'keys'>;
  /** Read anew for each settlement: a person may have approved something meanwhile. */
  approvals: () => Approvals;
  /** Only tests know when what they booked was committed. */
  unsureMs?: number;
}

export type Examined =
  | { is: 'explained'; notes: string[]; remember: Pick<Memory, 'seen' | 'approved'> }
  | { is: 'unexplained'; objections: Objection[] };

/** Receipts of this much before the last cut are asked for again: what was committed after it has an older time. */
const overlapMs = 2 * 3_600_000;
/** Whatever books takes no longer from the time of a receipt to its commit. */
const unsureMs = 120_000;
const clockSkewMs = 300_000;
/** No receipt is older. */
const beginningMs = Date.UTC(2020, 0, 1);

/**
 * Recomputes a settlement from receipts.
 *
 * @throws NoEvidence while something that could explain it is not there; BrokerError `dependency_unavailable` while the
 *   chain's nodes do not answer, or disagree.
 */
export async function examine(
  deps: ExamineDeps,
  memory: Memory,
  { pending, view, signal }: { pending: Pending; view: VaultView; signal: AbortSignal },
): Promise<Examined> {
  const { broker, facts } = deps;
  const { number, hash } = pending;
  const approvals = deps.approvals();
  const { draws, credits } = await broker.lines(number, signal);
  const fromMs = memory.approved === undefined ? beginningMs : memory.approved.cutAtMs - overlapMs;
  const { rows, cutAtMs } = await broker.receipts(number, Math.max(beginningMs, fromMs), signal);
  if (cutAtMs > Date.now() + clockSkewMs)
    throw new NoEvidence('the broker says that it cut the settlement in the future');
  const bookings = await broker.bookings(number, signal);
  const checked = await checkAll(rows, { ...deps.issuer, keys: approvals.keys }, deps.recover);
  if (checked.objections.length > 0) return { is: 'unexplained', objections: checked.objections };
  const sureUntilMs = cutAtMs - (deps.unsureMs ?? unsureMs);
  const { good, waiting } = withoutUnsigned(checked, sureUntilMs);
  const totals = addReceipts(memory.seen, good, sureUntilMs);
  if (totals.problems.length > 0) return { is: 'unexplained', objections: totals.problems.map(asObjection) };
  const { others, notes } = await readBookings(deps, bookings, approvals);
  const proposed: ProposedSettlement = { number, hash, draws, credits, chainId: facts.chainId, vault: facts.vault };
  const judged = async (wallets: ReturnType<typeof walletsOf>) => {
    const vault = await totalsAt(deps.rpcs, facts.vault, view, wallets);
    return judgeSettlement(proposed, totals, others, vault, facts.scale);
  };
  const wallets = walletsOf(proposed, totals, others);
  const first = await judged(wallets);
  // Only then, because they are all customers that ever were.
  const everybody = { ...wallets, customers: new Set([...wallets.customers, ...totals.customers.keys()]) };
  const verdict = first.isShort ? await judged(everybody) : first;
  if (verdict.objections.length > 0) {
    // They may be what explains it.
    if (waiting > 0) throw new NoEvidence(unsignedWords(waiting));
    return { is: 'unexplained', objections: hinted(verdict.objections, notes) };
  }
  const unsigned = waiting === 0 ? [] : [`${unsignedWords(waiting)}: they are left to the next one`];
  return {
    is: 'explained',
    notes: [...notes, ...unsigned, ...verdict.notes],
    remember: { seen: totals.seen, approved: { number, hash, cutAtMs } },
  };
}

const asObjection = (problem: string): Objection => ({
  line: 'receipts',
  expected: 'one chain for each customer',
  found: problem,
});

/** What was left out of the reckoning may be why something is not explained. */
const hinted = (objections: Objection[], notes: readonly string[]): Objection[] =>
  notes.length === 0
    ? objections
    : [
        ...objections,
        { line: 'what is not counted', expected: 'approved or proven', found: notes.join('; ').slice(0, 1_000) },
      ];

interface Checked {
  good: GoodReceipt[];
  unsigned: JobReceipt[];
  objections: Objection[];
}

async function checkAll(rows: readonly ForeignReceipt[], issuer: TrustedIssuer, recover: Recover): Promise<Checked> {
  const good: GoodReceipt[] = [];
  const objections: Objection[] = [];
  const unsigned: JobReceipt[] = [];
  for (const row of rows) {
    const checked = await checkForeignReceipt(row, issuer, recover);
    if (checked.is === 'good') good.push(checked);
    else if (checked.is === 'unsigned') unsigned.push(checked.receipt);
    else if (objections.length < 20)
      objections.push({ line: checked.name, expected: 'a receipt that holds', found: checked.problems.join('; ') });
  }
  return { good, unsigned, objections };
}

const unsignedWords = (count: number) => `${count} receipts are not signed yet`;

/**
 * Leaves out the receipts at the end of a customer's chain that nobody has signed yet. Only of such as may not have been in
 * the cut at all: whatever is older has to be signed before the settlement is judged.
 *
 * @throws NoEvidence
 */
function withoutUnsigned(
  { good, unsigned }: Omit<Checked, 'objections'>,
  sureUntilMs: number,
): { good: GoodReceipt[]; waiting: number } {
  const firstOf = new Map<Address, number>();
  for (const { customer, number } of unsigned)
    firstOf.set(customer, Math.min(number, firstOf.get(customer) ?? Infinity));
  const isAfter = ({ receipt }: GoodReceipt) => receipt.number > (firstOf.get(receipt.customer) ?? Infinity);
  const left = [...unsigned, ...good.filter(isAfter).map(({ receipt }) => receipt)];
  if (left.some(({ issuedAtMs }) => issuedAtMs <= sureUntilMs)) throw new NoEvidence(unsignedWords(unsigned.length));
  return { good: good.filter((each) => !isAfter(each)), waiting: unsigned.length };
}

/** Sorts what has no receipt: claims count with the wallet's own signature, payouts once a person approved them. */
async function readBookings(
  { recover, issuer }: ExamineDeps,
  bookings: readonly NamedBooking[],
  { payouts }: Approvals,
): Promise<{ others: Unreceipted; notes: string[] }> {
  const notes: string[] = [];
  const claims: { providerId: string; wallet: Address; amount: bigint }[] = [];
  const [paidOut, paidIn] = [new Map<Address, bigint>(), new Map<Address, bigint>()];
  const add = (to: Map<Address, bigint>, { wallet, amount }: NamedBooking) =>
    to.set(wallet, (to.get(wallet) ?? 0n) + amount);
  for (const booking of bookings) {
    const { id, kind, wallet, amount, reference = '' } = booking;
    if (kind === 'payment') add(paidIn, booking);
    else if (kind === 'payout') {
      if (payouts.includes(id)) add(paidOut, booking);
      else
        notes.push(`payout ${id} of ${amount} base units to ${wallet} (“${reference.slice(0, 100)}”) is not approved`);
    } else if (kind === 'claim') {
      const claimed = await provenClaim(booking, recover, issuer.audience);
      if (claimed === undefined) notes.push(`claim ${id} of ${wallet} is not proven by its signature`);
      else claims.push(claimed);
    }
  }
  return { others: { claims, paidOut, paidIn }, notes };
}

async function provenClaim({ wallet, amount, claimed }: NamedBooking, recover: Recover, audience: string) {
  if (claimed === undefined) return undefined;
  const { delegation, signature, chain_id: chainId, provider_id: providerId } = claimed;
  const names =
    delegation.wallet === wallet && delegation.providerId === providerId && delegation.audience === audience;
  if (!names || (await recover(providerRegistrationDigest(delegation, chainId), signature)) !== wallet)
    return undefined;
  return { providerId, wallet, amount };
}

/** Whose totals on the vault matter: of each line, and of whoever might miss one. */
function walletsOf(
  { draws, credits }: ProposedSettlement,
  totals: ReceiptTotals,
  { claims }: Unreceipted,
): { customers: Set<Address>; payees: Set<Address> } {
  return {
    customers: new Set(draws.map(({ wallet }) => wallet)),
    payees: new Set([
      ...credits.map(({ wallet }) => wallet),
      ...totals.payees.keys(),
      ...claims.map(({ wallet }) => wallet),
    ]),
  };
}
