import type { Hex } from 'viem';
import { isUuid } from '../domain/uuid.js';
import { readReceipt, type JobReceipt } from '../wire/job-receipt.js';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import { bytesOf, hexOf } from './hex.js';
import type { Queryable } from './pool.js';

/** A receipt as its customer may see it. */
export interface StoredReceipt {
  digest: Hex;
  chainId: number;
  receipt: JobReceipt;
  signatures: { signer: string; signature: Hex }[];
}

export interface ReceiptRow {
  digest: Buffer;
  chain_id: string;
  message: unknown;
  signatures: { signer: string; signature: Hex }[];
}

/** Of `receipts r`. */
export const receiptColumns = `r.digest, r.chain_id::text, r.message,
  coalesce((select jsonb_agg(jsonb_build_object('signer', s.signer, 'signature', '0x' || encode(s.signature, 'hex'))
                             order by s.signed_at, s.signer)
              from receipt_signatures s where s.digest = r.digest), '[]') as signatures`;

const receiptOf = ({ digest, chain_id, message, signatures }: ReceiptRow): StoredReceipt => ({
  digest: hexOf(digest),
  chainId: Number(chain_id),
  receipt: storedReceipt(message),
  signatures,
});

/** The message of a row, which the broker wrote. */
export function storedReceipt(message: unknown): JobReceipt {
  const receipt = readReceipt(message);
  if (receipt === undefined) throw new Error('a stored receipt has another form');
  return receipt;
}

/** A receipt of this customer by its digest; others' are not found. */
export async function findReceipt(db: Queryable, customer: string, digest: Hex): Promise<StoredReceipt | undefined> {
  const { rows } = await db.query<ReceiptRow>(
    `select ${receiptColumns} from receipts r where r.digest = $1 and r.customer = $2`,
    [bytesOf(digest), customer],
  );
  return rows[0] && receiptOf(rows[0]);
}

/** The last receipt of a job of this customer: what it costs after all refunds. */
export async function receiptOfJob(db: Queryable, customer: string, jobId: string): Promise<StoredReceipt | undefined> {
  if (!isUuid(jobId)) return undefined;
  const { rows } = await db.query<ReceiptRow>(
    `select ${receiptColumns} from receipts r where r.job_id = $1 and r.customer = $2 order by r.revision desc limit 1`,
    [jobId, customer],
  );
  return rows[0] && receiptOf(rows[0]);
}

export interface ReceiptPage {
  receipts: StoredReceipt[];
  nextCursor?: string;
}

/**
 * A customer's receipts, newest first.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listReceipts(
  db: Queryable,
  customer: string,
  { limit, cursor, from, to }: Pick<AnyReceiptsFilter, 'limit' | 'cursor' | 'from' | 'to'>,
): Promise<ReceiptPage> {
  const [before] = cursor === undefined ? [] : decodeCursor(cursor, isNumber);
  const { rows } = await db.query<ReceiptRow>(
    `select ${receiptColumns} from receipts r
      where r.customer = $1 and ($2::bigint is null or r.number < $2)
        and ($3::timestamptz is null or r.issued_at >= $3) and ($4::timestamptz is null or r.issued_at < $4)
      order by r.number desc limit $5`,
    [customer, before ?? null, from ?? null, to ?? null, limit + 1],
  );
  return pageOf(rows, limit, ({ receipt }) => encodeCursor(String(receipt.number)));
}

interface AnyReceiptsFilter {
  limit: number;
  cursor?: string | undefined;
  wallet?: string | undefined;
  payee?: string | undefined;
  jobId?: string | undefined;
  /** Issued at this time or later. */
  from?: Date | undefined;
  /** Issued before. */
  to?: Date | undefined;
  isSigned?: boolean | undefined;
}

/**
 * The receipts of all customers, newest first. Only for operators.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listAnyReceipts(db: Queryable, filter: AnyReceiptsFilter): Promise<ReceiptPage> {
  const { limit, cursor, wallet, payee, jobId, from, to, isSigned } = filter;
  const [issuedAt, digest] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isDigest);
  const { rows } = await db.query<ReceiptRow>(
    `select ${receiptColumns} from receipts r
      where ($1::text is null or r.customer = $1) and ($2::text is null or r.payee = $2)
        and ($3::uuid is null or r.job_id = $3)
        and ($4::timestamptz is null or r.issued_at >= $4) and ($5::timestamptz is null or r.issued_at < $5)
        and ($6::boolean is null or $6 = exists (select from receipt_signatures s where s.digest = r.digest))
        and ($7::timestamptz is null or (r.issued_at, r.digest) < ($7, $8::bytea))
      order by r.issued_at desc, r.digest desc limit $9`,
    [
      ...[wallet ?? null, payee ?? null, jobId ?? null, from ?? null, to ?? null, isSigned ?? null],
      ...[issuedAt ?? null, digest === undefined ? null : bytesOf(digest as Hex), limit + 1],
    ],
  );
  return pageOf(rows, limit, byTime);
}

type OwnersReceiptsFilter = Pick<AnyReceiptsFilter, 'limit' | 'cursor' | 'from' | 'to'> & {
  providerId?: string | undefined;
};

const nobody = `0x${'0'.repeat(40)}`;

/**
 * The receipts of the jobs that an owner earned with, newest first; with the signatures, so that he can check them: those
 * that name his wallet as the payee, and, of what was signed before any was proven, those of machines that he has proven
 * to be his since then. An address that a machine only claims gets none.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listOwnersReceipts(
  db: Queryable,
  owner: string,
  { limit, cursor, from, to, providerId }: OwnersReceiptsFilter,
): Promise<ReceiptPage> {
  const [issuedAt, digest] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isDigest);
  const narrowed = `($2::text is null or r.message ->> 'providerId' = $2)
        and ($3::timestamptz is null or r.issued_at >= $3) and ($4::timestamptz is null or r.issued_at < $4)
        and ($5::timestamptz is null or (r.issued_at, r.digest) < ($5, $6::bytea))
      order by r.issued_at desc, r.digest desc limit $7`;
  // Each half by its own index: together they would be looked for among everybody's.
  const { rows } = await db.query<ReceiptRow>(
    `with named as materialized (
       select r.digest, r.issued_at from receipts r where r.payee = $1 and ${narrowed}
     ), unnamed as materialized (
       select r.digest, r.issued_at
         from provider_identities i cross join lateral (
           select r.digest, r.issued_at from receipts r
            where r.message ->> 'providerId' = i.provider_id and r.payee = '${nobody}' and ${narrowed}) r
        where i.wallet = $1 and i.signed_at is not null
     ), page as (
       select * from (table named union all table unnamed) p order by issued_at desc, digest desc limit $7
     )
     select ${receiptColumns} from page join receipts r using (digest) order by r.issued_at desc, r.digest desc`,
    [
      ...[owner, providerId ?? null, from ?? null, to ?? null],
      ...[issuedAt ?? null, digest === undefined ? null : bytesOf(digest as Hex), limit + 1],
    ],
  );
  return pageOf(rows, limit, byTime);
}

/** A receipt that an owner earned with, by its digest; others' are not found. */
export async function findOwnersReceipt(db: Queryable, owner: string, digest: Hex): Promise<StoredReceipt | undefined> {
  const { rows } = await db.query<ReceiptRow>(
    `select ${receiptColumns} from receipts r
      where r.digest = $2
        and (r.payee = $1 or r.payee = '${nobody}' and r.message ->> 'providerId' in
              (select provider_id from provider_identities where wallet = $1 and signed_at is not null))`,
    [owner, bytesOf(digest)],
  );
  return rows[0] && receiptOf(rows[0]);
}

const byTime = ({ receipt, digest }: StoredReceipt) => encodeCursor(new Date(receipt.issuedAtMs).toISOString(), digest);

/** @param rows one more than the page has, where there is a next one. */
export function pageOf(
  rows: readonly ReceiptRow[],
  limit: number,
  cursorOf: (last: StoredReceipt) => string,
): ReceiptPage {
  const receipts = rows.slice(0, limit).map(receiptOf);
  const last = receipts.at(-1);
  return { receipts, ...(rows.length > limit && last !== undefined ? { nextCursor: cursorOf(last) } : {}) };
}

const isNumber = (part: string) => /^[1-9]\d{0,17}$/.test(part);
export const isDigest = (part: string) => /^0x[0-9a-f]{64}$/.test(part);
