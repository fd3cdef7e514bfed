import type { Address, Hex } from 'viem';
import type { Config } from '../config.js';
import type { Queryable } from '../db/pool.js';
import { insertReceipt, lastOfJob, receiptFacts, type ReceiptStand } from '../db/receipts.js';
import { feeFor } from '../domain/billing.js';
import { canonicalResources, noPayee, noReceipt, receiptDigest, type JobReceipt } from '../wire/job-receipt.js';
import type { FinalJobStatus } from '../wire/statuses.js';
import type { Settlement } from './spend.js';

/** What all receipts of a broker have in common. */
export type ReceiptSite = Pick<Config, 'AUTH_AUDIENCE' | 'AUTH_CHAIN_IDS'>;

/**
 * Writes the receipt of a settlement, in the transaction that settles: the customer's account in the ledger is locked, so
 * his receipts are numbered without a hole. It is signed afterwards. A job whose SSH never answered gets none.
 *
 * Nothing in here may fail for what a row has: a job's end waits for it.
 */
export async function writeReceipt(
  tx: Queryable,
  { jobId, settled, outcome }: { jobId: string; settled: Settlement; outcome: FinalJobStatus },
  site: ReceiptSite,
): Promise<void> {
  const facts = await receiptFacts(tx, jobId);
  if (facts?.startedAt === undefined) return;
  const { billed, rate, reserved, charged, fee, earned, feeBps, payee } = settled;
  await issue(tx, facts, site, {
    customer: facts.wallet as Address,
    jobId,
    revision: 0,
    orderHash: hashOf(facts.requestSha256),
    providerId: facts.providerId ?? '',
    payee: (payee ?? noPayee) as Address,
    resources: canonicalResources(facts.resources),
    ratePerHour: rate,
    readyAtMs: facts.startedAt.getTime(),
    servedUntilMs: billed.servedUntilMs,
    gaps: billed.gaps,
    billedMs: billed.billedMs,
    ...{ reserved, charged, feeBps, fee, earned, outcome },
  });
}

/**
 * Writes the receipt of a refund, in the transaction that books it: the next revision of the job's receipt, with the
 * corrected totals. The customer's account in the ledger must be locked.
 *
 * @param refund `revision` counts the job's refunds from 1, `charged` is what the job costs after this one, and `payee`
 *   the wallet that its provider has now.
 * @returns false for a job without a receipt: an older version settled it.
 */
export async function writeRefundReceipt(
  tx: Queryable,
  { jobId, revision, charged, payee }: { jobId: string; revision: number; charged: bigint; payee?: string | undefined },
  site: ReceiptSite,
): Promise<boolean> {
  const stand = await lastOfJob(tx, jobId);
  if (stand === undefined) return false;
  const fee = feeFor(charged, stand.last.feeBps);
  await issue(tx, stand, site, {
    ...stand.last,
    ...{ revision, charged, fee, earned: charged - fee },
    payee: (payee ?? noPayee) as Address,
  });
  return true;
}

type Unissued = Omit<JobReceipt, 'audience' | 'number' | 'previous' | 'issuedAtMs'>;

async function issue(tx: Queryable, stand: ReceiptStand, site: ReceiptSite, about: Unissued): Promise<void> {
  const receipt: JobReceipt = {
    ...about,
    audience: site.AUTH_AUDIENCE,
    number: stand.number + 1,
    previous: stand.digest ?? noReceipt,
    // The clock of the database, as of the keys that sign: a worker's own may be wrong.
    issuedAtMs: stand.now.getTime(),
  };
  const [chainId = 1] = site.AUTH_CHAIN_IDS;
  await insertReceipt(tx, { digest: receiptDigest(receipt, chainId), receipt, chainId });
}

/** Orders of the field have a hash; whatever else stands there is signed as none. */
function hashOf(requestSha256: string): Hex {
  return /^[0-9a-f]{64}$/.test(requestSha256) ? `0x${requestSha256}` : noReceipt;
}
