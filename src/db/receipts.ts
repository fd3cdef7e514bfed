import type { Hex } from 'viem';
import type { JobStatus } from '../wire/statuses.js';
import type { JobReceipt, ReceiptResources } from '../wire/job-receipt.js';
import { receiptMessage } from '../wire/job-receipt.js';
import { bytesOf, hexOf } from './hex.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';
import { storedReceipt } from './receipt-reads.js';

/** What a job's receipt says of its order, and where its customer's receipts stand. */
interface ReceiptFacts extends ReceiptStand {
  wallet: string;
  status: JobStatus;
  requestSha256: string;
  providerId?: string;
  resources: ReceiptResources;
  /** When SSH answered; absent if it never did. */
  startedAt?: Date;
}

/** The last receipt of a customer; number 0 if there is none. */
export interface ReceiptStand {
  number: number;
  digest?: Hex;
  /** Now, by the clock of the database, and not before the last receipt. */
  now: Date;
}

const standSql = (customer: string) => `
  (select number, digest, issued_at from receipts where customer = ${customer} order by number desc limit 1)`;

const standColumns = `coalesce(r.number, 0)::float8 as number, r.digest,
  greatest(clock_timestamp(), r.issued_at)::timestamptz(3) as now`;

interface StandRow {
  number: number;
  digest: Buffer | null;
  now: Date;
}

const standOf = ({ number, digest, now }: StandRow): ReceiptStand => ({
  number,
  now,
  ...(digest === null ? {} : { digest: hexOf(digest) }),
});

/**
 * Reads what the receipt of a job needs. The customer's account in the ledger must be locked, since the next number is
 * taken.
 *
 * @returns undefined for a job that is not in the table.
 */
export async function receiptFacts(tx: Queryable, jobId: string): Promise<ReceiptFacts | undefined> {
  const { rows } = await tx.query<
    StandRow & {
      wallet: string;
      status: JobStatus;
      request_sha256: string;
      provider_id: string | null;
      cpu_cores: number;
      gpu_count: number;
      gpu_model: string | null;
      memory_mb: number;
      storage_gb: number;
      started_at: Date | null;
    }
  >(
    prepared(`select j.wallet, j.status, j.request_sha256, j.provider_id, j.cpu_cores, j.gpu_count,
            case when j.gpu_count > 0 then coalesce(j.gpu_model, j.gpu_type) end as gpu_model, j.memory_mb, j.storage_gb,
            j.started_at, ${standColumns}
       from jobs j left join lateral ${standSql('j.wallet')} r on true
      where j.job_id = $1`),
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    ...standOf(row),
    wallet: row.wallet,
    status: row.status,
    requestSha256: row.request_sha256,
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    resources: {
      cpuCores: row.cpu_cores,
      gpuCount: row.gpu_count,
      gpuModel: row.gpu_model ?? undefined,
      memoryMb: row.memory_mb,
      storageGb: row.storage_gb,
    },
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
  };
}

interface LastOfJob extends ReceiptStand {
  last: JobReceipt;
  chainId: number;
  /** The wallet that is proven to own the provider now. */
  payee?: string;
}

/** The last receipt of a job, and where its customer's receipts stand; undefined for a job that has none. */
export async function lastOfJob(tx: Queryable, jobId: string): Promise<LastOfJob | undefined> {
  const { rows } = await tx.query<StandRow & { message: unknown; chain_id: string; payee: string | null }>(
    `select l.message, l.chain_id::text, i.wallet as payee, ${standColumns}
       from (select customer, message, chain_id from receipts where job_id = $1 order by revision desc limit 1) l
       left join provider_identities i on i.provider_id = l.message ->> 'providerId' and i.signed_at is not null
       left join lateral ${standSql('l.customer')} r on true`,
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    ...standOf(row),
    last: storedReceipt(row.message),
    chainId: Number(row.chain_id),
    ...(row.payee === null ? {} : { payee: row.payee }),
  };
}

/** Adds a receipt, and leaves it to be signed; a job's receipt of this revision is written once. */
export async function insertReceipt(
  tx: Queryable,
  { digest, receipt, chainId }: { digest: Hex; receipt: JobReceipt; chainId: number },
): Promise<void> {
  await tx.query(
    prepared(`with written as (
       insert into receipts (digest, customer, number, previous, job_id, revision, payee, chain_id, message, issued_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (job_id, revision) do nothing
       returning digest, issued_at
     )
     insert into receipts_to_sign (digest, issued_at) select digest, issued_at from written`),
    [
      ...[bytesOf(digest), receipt.customer, receipt.number, bytesOf(receipt.previous), receipt.jobId],
      ...[receipt.revision, receipt.payee, chainId, JSON.stringify(receiptMessage(receipt))],
      new Date(receipt.issuedAtMs),
    ],
  );
}
