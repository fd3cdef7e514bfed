import { noPayee, noReceipt, type JobReceipt } from '../wire/job-receipt.js';

type Address = JobReceipt['customer'];
type Hex = JobReceipt['previous'];

/** What somebody who checks settlements keeps of the receipts that he has seen. Amounts are base units. */
export interface SeenReceipts {
  /** The last receipt of each customer, and what all of his come to after refunds. */
  customers: Readonly<Record<Address, { number: number; digest: Hex; charged: bigint }>>;
  /** What each wallet earned by receipts that name it, after refunds. */
  payees: Readonly<Record<Address, bigint>>;
  /** What each provider earned by receipts that name no wallet, after refunds; and what those came to. */
  unnamed: Readonly<Record<string, { earned: bigint; refunded: bigint }>>;
  /** The last receipt of jobs that ended lately, so that none is charged twice. */
  jobs: Readonly<Record<string, { issuedAtMs: number; revision: number; charged: bigint }>>;
}

export const nothingSeen: SeenReceipts = { customers: {}, payees: {}, unnamed: {}, jobs: {} };

/** A job is remembered for so long after its last receipt; what ended before that is not charged any more. */
export const rememberedMs = 35 * 86_400_000;

/** A total that depends on receipts which may or may not have been in the cut. */
export interface Bounds {
  low: bigint;
  high: bigint;
}

export interface ReceiptTotals {
  customers: ReadonlyMap<Address, Bounds>;
  payees: ReadonlyMap<Address, Bounds>;
  unnamed: ReadonlyMap<string, { high: bigint; refunded: bigint }>;
  /** Everything that does not fit, each in a sentence. */
  problems: string[];
  /** What to remember when all of it is approved. */
  seen: SeenReceipts;
}

/** A receipt whose figures and signature hold. */
export interface GoodReceipt {
  digest: Hex;
  receipt: JobReceipt;
}

/**
 * Adds receipts to what was seen before. A customer's are one chain, so none can be left out, replaced or used twice.
 * Receipts that were seen before may come again: refunds need what they correct.
 *
 * @param sureUntilMs what was issued by then was in the cut; of what is later nobody knows but who cut.
 */
export function addReceipts(
  before: SeenReceipts,
  receipts: readonly GoodReceipt[],
  sureUntilMs: number,
): ReceiptTotals {
  const problems: string[] = [];
  const tally = createTally(before);
  const ordered = [...receipts].sort((a, b) => a.receipt.number - b.receipt.number);
  const byJob = new Map<string, JobReceipt>();
  for (const { receipt } of ordered) byJob.set(`${receipt.jobId} ${receipt.revision}`, receipt);
  for (const { digest, receipt } of ordered) {
    const name = `receipt ${receipt.number} of ${receipt.customer}`;
    const last = tally.lastOf(receipt.customer);
    if (receipt.number <= last.number) {
      const isReplaced = receipt.number === last.number && digest !== last.digest;
      if (isReplaced) problems.push(`${name} is another one than was seen before: history was rewritten`);
      continue;
    }
    problems.push(...linkProblems(name, receipt, last));
    const parts = partsOf(receipt, byJob);
    problems.push(...jobProblems(name, receipt, parts, tally.jobs.get(receipt.jobId)));
    tally.add(digest, receipt, parts, receipt.issuedAtMs <= sureUntilMs);
  }
  return { ...tally.totals(), problems };
}

interface Parts {
  /** Whom the job's first receipt names: refunds are taken from him, whoever owns the provider now. */
  payee: Address;
  corrected?: JobReceipt | undefined;
}

function partsOf(receipt: JobReceipt, byJob: ReadonlyMap<string, JobReceipt>): Parts {
  if (receipt.revision === 0) return { payee: receipt.payee };
  const first = byJob.get(`${receipt.jobId} 0`);
  return { payee: first?.payee ?? receipt.payee, corrected: byJob.get(`${receipt.jobId} ${receipt.revision - 1}`) };
}

function linkProblems(name: string, receipt: JobReceipt, last: { number: number; digest: Hex }): string[] {
  if (receipt.number !== last.number + 1) {
    return [`${name} comes after receipt ${last.number}: those in between are missing`];
  }
  return receipt.previous === last.digest
    ? []
    : [`${name} does not follow receipt ${last.number}: history was rewritten`];
}

function jobProblems(
  name: string,
  receipt: JobReceipt,
  { corrected }: Parts,
  known: SeenReceipts['jobs'][string] | undefined,
): string[] {
  const { jobId, revision, charged, servedUntilMs, issuedAtMs } = receipt;
  if (revision === 0) {
    if (known !== undefined) return [`${name} charges for job ${jobId}, which has a receipt already`];
    const isOld = servedUntilMs < issuedAtMs - rememberedMs;
    return isOld ? [`${name} charges for a job that ended ${new Date(servedUntilMs).toISOString()}, too long ago`] : [];
  }
  if (corrected === undefined) return [`${name} is a refund of job ${jobId}, and what it corrects is missing`];
  const problems: string[] = [];
  const isOther = known !== undefined && (known.revision !== revision - 1 || known.charged !== corrected.charged);
  if (isOther) problems.push(`${name} corrects another receipt of job ${jobId} than was seen before`);
  if (corrected.customer !== receipt.customer || corrected.providerId !== receipt.providerId)
    problems.push(`${name} is a refund, and changes customer or provider`);
  if (charged >= corrected.charged) problems.push(`${name} is a refund, and gives nothing back`);
  return problems;
}

function createTally(before: SeenReceipts) {
  const customers = new Map(entriesOf(before.customers));
  const payees = new Map(entriesOf(before.payees));
  const unnamed = new Map(Object.entries(before.unnamed));
  const jobs = new Map(Object.entries(before.jobs));
  const charged = new Map(entriesOf(before.customers).map(([wallet, { charged: sum }]) => [wallet, exactly(sum)]));
  const earned = new Map(entriesOf(before.payees).map(([wallet, sum]) => [wallet, exactly(sum)]));
  const unnamedHigh = new Map(Object.entries(before.unnamed).map(([id, { earned: sum }]) => [id, exactly(sum)]));
  return {
    jobs: jobs as ReadonlyMap<string, SeenReceipts['jobs'][string]>,
    lastOf: (wallet: Address) => customers.get(wallet) ?? { number: 0, digest: noReceipt, charged: 0n },
    add(digest: Hex, receipt: JobReceipt, { payee, corrected }: Parts, isSure: boolean) {
      const { customer, number, providerId, jobId, revision, issuedAtMs } = receipt;
      const cost = receipt.charged - (corrected?.charged ?? 0n);
      const share = receipt.earned - (corrected?.earned ?? 0n);
      customers.set(customer, { number, digest, charged: (customers.get(customer)?.charged ?? 0n) + cost });
      charged.set(customer, moved(charged.get(customer), cost, isSure));
      jobs.set(jobId, { issuedAtMs, revision, charged: receipt.charged });
      if (payee !== noPayee) {
        payees.set(payee, (payees.get(payee) ?? 0n) + share);
        earned.set(payee, moved(earned.get(payee), share, isSure));
        return;
      }
      const { earned: sum, refunded } = unnamed.get(providerId) ?? { earned: 0n, refunded: 0n };
      unnamed.set(providerId, { earned: sum + share, refunded: refunded + (share < 0n ? -share : 0n) });
      unnamedHigh.set(providerId, moved(unnamedHigh.get(providerId), share, isSure));
    },
    totals() {
      const newest = [...jobs.values()].reduce((last, { issuedAtMs }) => (issuedAtMs > last ? issuedAtMs : last), 0);
      const kept = [...jobs].filter(([, { issuedAtMs }]) => issuedAtMs >= newest - rememberedMs);
      const seen: SeenReceipts = {
        customers: Object.fromEntries(customers),
        payees: Object.fromEntries(payees),
        unnamed: Object.fromEntries(unnamed),
        jobs: Object.fromEntries(kept),
      };
      const highs = [...unnamed].map(
        ([id, { refunded }]) => [id, { high: unnamedHigh.get(id)!.high, refunded }] as const,
      );
      return { customers: charged, payees: earned, unnamed: new Map(highs), seen };
    },
  };
}

const exactly = (sum: bigint): Bounds => ({ low: sum, high: sum });

function moved(bounds: Bounds = exactly(0n), by: bigint, isSure: boolean): Bounds {
  const { low, high } = bounds;
  if (isSure) return { low: low + by, high: high + by };
  return by < 0n ? { low: low + by, high } : { low, high: high + by };
}

function entriesOf<T>(of: Readonly<Record<Address, T>>): [Address, T][] {
  return Object.entries(of) as [Address, T][];
}
