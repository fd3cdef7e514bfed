import type { Address, Hex } from 'viem';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import { bytesOf } from './hex.js';
import type { Queryable } from './pool.js';
import { isDigest, pageOf, receiptColumns, type ReceiptPage, type ReceiptRow } from './receipt-reads.js';
import type { VaultId } from './vault-events.js';

/** A settlement whose explanation is asked for. */
export interface ExplainedBatch {
  number: number;
  /** Not before anything that is in it: rounded up, as times of receipts may be. */
  cutAt: Date;
  /** What was issued by then was in the settlement that was executed before it; absent before the first. */
  after?: Date;
}

/** Whoever books may take this long from the time of a receipt to its commit, so that a cut in between does not see it. */
const slackS = 3_600;

/** @returns undefined for one that this broker did not cut. */
export async function explainedBatch(
  db: Queryable,
  { chainId, vault }: VaultId,
  number: number,
): Promise<ExplainedBatch | undefined> {
  const { rows } = await db.query<{ cut_at: Date; after: Date | null }>(
    `select date_trunc('milliseconds', b.cut_at) + interval '1 ms' as cut_at, (select max(p.cut_at) - make_interval(secs => $4) from batches p
                        where p.chain_id = b.chain_id and p.vault = b.vault and p.status = 'final' and p.number < b.number) as after
       from batches b where b.chain_id = $1 and b.vault = $2 and b.number = $3
        and (b.last_entry_id > 0 or b.void_reason is distinct from 'foreign')`,
    [chainId, vault, number, slackS],
  );
  const row = rows[0];
  return row && { number, cutAt: row.cut_at, ...(row.after === null ? {} : { after: row.after }) };
}

/**
 * The receipts that a settlement has beyond the one before it, oldest first. Of a job that was refunded since then its
 * earlier receipts come, too: a refund is the difference to them.
 *
 * @param from instead of the settlement before it, for whoever has seen less than that.
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listReceiptsOfBatch(
  db: Queryable,
  batch: Pick<ExplainedBatch, 'cutAt' | 'after'>,
  { limit, cursor, from }: { limit: number; cursor?: string | undefined; from?: Date | undefined },
): Promise<ReceiptPage> {
  const [issuedAt, digest] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isDigest);
  const paged = (table: string) =>
    `($3::timestamptz is null or (${table}.issued_at, ${table}.digest) > ($3, $4::bytea))
      order by ${table}.issued_at, ${table}.digest limit $5`;
  const { rows } = await db.query<ReceiptRow>(
    `with before as materialized (
       select distinct r.digest, r.issued_at
         from receipts refund join receipts r on r.job_id = refund.job_id and r.revision < refund.revision
        where refund.issued_at > $1 and refund.issued_at <= $2 and refund.revision > 0 and r.issued_at <= $1
          and ${paged('r')}
     ), since as materialized (
       select r.digest, r.issued_at from receipts r
        where r.issued_at > $1 and r.issued_at <= $2 and ${paged('r')}
     ), page as (
       select * from (table before union all table since) p order by issued_at, digest limit $5
     )
     select ${receiptColumns} from page join receipts r using (digest) order by r.issued_at, r.digest`,
    [
      ...[from ?? batch.after ?? new Date(0), batch.cutAt, issuedAt ?? null],
      ...[digest === undefined ? null : bytesOf(digest as Hex), limit + 1],
    ],
  );
  return pageOf(rows, limit, ({ receipt, digest: last }) =>
    encodeCursor(new Date(receipt.issuedAtMs).toISOString(), last),
  );
}

/** What moved money of a wallet without a receipt. Amounts are base units. */
interface UnreceiptedBooking {
  /** Of the entry. */
  id: string;
  /** claim: earnings that waited got their wallet. payout, payment: paid by hand, to a provider or by a customer. */
  kind: 'claim' | 'payout' | 'payment';
  wallet: Address;
  amount: bigint;
  at: Date;
  /** Of payouts and payments: where to look them up. */
  reference?: string;
  /** Of claims. */
  claimed?: { providerId: string; delegation: unknown; signature: Hex; chainId: number };
}

interface BookingRow {
  id: string;
  kind: UnreceiptedBooking['kind'];
  wallet: Address;
  amount: string;
  at: Date;
  reference: string | null;
  provider_id: string | null;
  delegation: unknown;
  signature: Hex | null;
  chain_id: number | null;
}

/**
 * What was booked by a time and has no receipt, oldest first.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listUnreceipted(
  db: Queryable,
  until: Date,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ bookings: UnreceiptedBooking[]; nextCursor?: string }> {
  const [after = '0'] = cursor === undefined ? [] : decodeCursor(cursor, isEntryId);
  const { rows } = await db.query<BookingRow>(
    `select e.id::text, case e.kind when 'deposit' then 'payment' else e.kind end as kind, a.owner as wallet,
            abs(l.amount)::text as amount, e.at, e.note ->> 'reference' as reference, u.owner as provider_id,
            i.delegation, i.delegation_signature as signature, i.chain_id
       from ledger_entries e
       join ledger_lines l on l.entry_id = e.id
       join ledger_accounts a on a.id = l.account_id and a.kind in ('customer', 'provider')
       left join (ledger_lines f join ledger_accounts u on u.id = f.account_id and u.kind = 'unclaimed')
         on e.kind = 'claim' and f.entry_id = e.id
       left join provider_identities i on i.provider_id = u.owner and i.wallet = a.owner
      where (e.kind in ('claim', 'payout') or e.kind = 'deposit' and e.key like 'payment/%')
        and e.at <= $1 and e.id > $2 order by e.id limit $3`,
    [until, after, limit + 1],
  );
  const bookings = rows.slice(0, limit).map(bookingOf);
  const last = bookings.at(-1);
  return { bookings, ...(rows.length > limit && last !== undefined ? { nextCursor: encodeCursor(last.id) } : {}) };
}

function bookingOf(row: BookingRow): UnreceiptedBooking {
  const { provider_id: providerId, delegation, signature, chain_id: chainId } = row;
  return {
    ...{ id: row.id, kind: row.kind, wallet: row.wallet, amount: BigInt(row.amount), at: row.at },
    ...(row.reference === null ? {} : { reference: row.reference }),
    ...(providerId === null || signature === null || chainId === null
      ? {}
      : { claimed: { providerId, delegation, signature, chainId } }),
  };
}

const isEntryId = (part: string) => /^(?:0|[1-9]\d{0,17})$/.test(part);
