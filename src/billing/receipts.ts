import type { Address, Hex } from 'viem';
import type { Config } from '../config.js';
import type { Queryable } from '../db/pool.js';
import { insertReceipt, lastOfJob, receiptFacts, type ReceiptStand } from '../db/receipts.js';
import { canonicalResources, noPayee, noReceipt, receiptDigest, type JobReceipt } from '../wire/job-receipt.js';
import type { FinalJobStatus } from '../wire/statuses.js';
import type { Settlement } from './spend.js';
import { feeFor } from '../wire/charge.js';

/** What all receipts of a broker have in common. */
export type ReceiptSite = Pick<Config, 'AUTH_AUDIENCE' | 'AUTH_CHAIN_IDS'>;

/**
 * Writes the receipt of a settlement, in the transaction that settles: the customer's account in the ledger is locked, so
 * his receipts are numbered without a hole. It is signed afterwards. A job whose SSH never answered gets none.
 *
 * @param settlement `outcome` is the status with which the job ends; of one that has ended, its row has it.
 *
 * Nothing in here may fail for what a row has: a job's end waits for it.
 */
export async function writeReceipt(
  tx: Queryable,
  { jobId, settled, outcome }: { jobId: string; settled: Settlement; outcome?: FinalJobStatus },
  site: ReceiptSite,
): Promise<void> {
  const facts = await receiptFacts(tx, jobId);
  if (facts?.startedAt === undefined) return;
  const { billed, rate, reserved, charged, fee, earned, feeBps, payee } = settled;
  const [chainId = 1] = site.AUTH_CHAIN_IDS;
  await issue(tx, facts, chainId, {
    audience: site.AUTH_AUDIENCE,
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
    ...{ reserved, charged, feeBps, fee, earned },
    outcome: outcome ?? facts.status,
  });
}

/**
 * Writes the receipt of a refund, in the transaction that books it: the next revision of the job's receipt, with the
 * corrected totals. The customer's account in the ledger must be locked.
 *
 * @param refund `revision` counts the job's refunds from 1; `charged` is what the job costs after this one.
 * @returns false for a job without a receipt: an older version settled it.
 */
export async function writeRefundReceipt(
  tx: Queryable,
  { jobId, revision, charged }: { jobId: string; revision: number; charged: bigint },
): Promise<boolean> {
  const stand = await lastOfJob(tx, jobId);
  if (stand === undefined) return false;
  const { last, chainId, payee = noPayee } = stand;
  const fee = feeFor(charged, last.feeBps);
  const totals = { charged, fee, earned: charged - fee };
  await issue(tx, stand, chainId, { ...last, revision, ...totals, payee: payee as Address });
  return true;
}

type Unissued = Omit<JobReceipt, 'number' | 'previous' | 'issuedAtMs'>;

async function issue(tx: Queryable, stand: ReceiptStand, chainId: number, about: Unissued): Promise<void> {
  const receipt: JobReceipt = {
    ...about,
    number: stand.number + 1,
    previous: stand.digest ?? noReceipt,
    // The clock of the database, as of the keys that sign: a worker's own may be wrong.
    issuedAtMs: stand.now.getTime(),
  };
  await insertReceipt(tx, { digest: receiptDigest(receipt, chainId), receipt, chainId });
}

/** Orders of the field have a hash; whatever else stands there is signed as none. */
function hashOf(requestSha256: string): Hex {
  return /^[0-9a-f]{64}$/.test(requestSha256) ? `0x${requestSha256}` : noReceipt;
}
