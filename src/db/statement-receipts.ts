import type { Hex } from 'viem';
import { hexOf } from './hex.js';
import type { Queryable } from './pool.js';

/** Which receipts of a wallet belong to a month, and what they come to. */
export interface StatementReceipts {
  /** The number of the first one that was issued in it; absent if none was. */
  first?: number;
  /** The newest one that was issued before its end; absent if there is none. */
  newest?: { number: number; digest: Hex };
  /** What those of the month charge, less what they give back. Base units. */
  net: bigint;
}

/** @param to is not included. */
export async function statementReceipts(
  db: Queryable,
  wallet: string,
  from: Date,
  to: Date,
): Promise<StatementReceipts> {
  const { rows } = await db.query<{ first: number | null; number: number | null; digest: Buffer | null; net: string }>(
    `with mine as materialized (
       select number, job_id, revision, (message ->> 'charged')::numeric as charged
         from receipts where customer = $1 and issued_at >= $2 and issued_at < $3
     ), sums as (
       -- A receipt for a refund has the corrected total of its job: it gives back what the one before it had more.
       select min(m.number)::int as first, coalesce(sum(m.charged - coalesce((b.message ->> 'charged')::numeric, 0)), 0) as net
         from mine m left join receipts b on b.job_id = m.job_id and b.revision = m.revision - 1
     )
     select sums.first, sums.net::text, newest.number::int, newest.digest
       from sums left join (select number, digest from receipts where customer = $1 and issued_at < $3
                             order by issued_at desc, number desc limit 1) newest on true`,
    [wallet, from, to],
  );
  const { first, net, number, digest } = rows[0]!;
  return {
    net: BigInt(net),
    ...(first === null ? {} : { first }),
    ...(number === null || digest === null ? {} : { newest: { number, digest: hexOf(digest) } }),
  };
}
