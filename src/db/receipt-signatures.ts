import type { Hex } from 'viem';
import { bytesOf, hexOf } from './hex.js';
import type { Queryable, Transaction } from './pool.js';
import { prepared } from './prepared.js';
import type { VaultId } from './vault-events.js';

/** A receipt that waits for its signature. */
export interface UnsignedReceipt {
  digest: Hex;
  chainId: number;
  /** As it is stored; the signer reads it anew. */
  message: unknown;
}

/**
 * Takes receipts that a key may sign, and keeps them from others until the transaction ends. What nobody has tried comes
 * first, then the oldest.
 */
export async function takeUnsigned(tx: Transaction, address: string, limit: number): Promise<UnsignedReceipt[]> {
  // A key that is replaced meanwhile waits for this transaction.
  await tx.query(prepared('select from receipt_keys where address = $1 for share'), [address]);
  const { rows } = await tx.query<{ digest: Buffer; chain_id: string; message: unknown }>(
    prepared(`with taken as materialized (
       select p.digest from receipts_to_sign p
        where exists (select from receipt_keys k
                       where k.address = $1 and p.issued_at >= k.valid_from
                         and (k.valid_until is null or p.issued_at < k.valid_until))
        order by p.tried_at nulls first, p.issued_at
        limit $2 for update of p skip locked
     )
     select r.digest, r.chain_id::text, r.message from taken join receipts r using (digest)`),
    [address, limit],
  );
  return rows.map(({ digest, chain_id, message }) => ({ digest: hexOf(digest), chainId: Number(chain_id), message }));
}

/** Stores signatures; what was signed before by the same key stays as it is. */
export async function storeSignatures(
  tx: Queryable,
  signer: string,
  signed: readonly { digest: Hex; signature: Hex }[],
): Promise<void> {
  if (signed.length === 0) return;
  const digests = signed.map(({ digest }) => bytesOf(digest));
  await tx.query(
    prepared(`with stored as (
       insert into receipt_signatures (digest, signer, signature)
       select digest, $1, signature from unnest($2::bytea[], $3::bytea[]) as s (digest, signature)
       on conflict (digest, signer) do nothing
     )
     delete from receipts_to_sign where digest = any ($2::bytea[])`),
    [signer, digests, signed.map(({ signature }) => bytesOf(signature))],
  );
}

/** Puts receipts that were not signed behind all others. */
export async function putBack(tx: Queryable, digests: readonly Hex[]): Promise<void> {
  if (digests.length === 0) return;
  await tx.query('update receipts_to_sign set tried_at = clock_timestamp() where digest = any ($1::bytea[])', [
    digests.map(bytesOf),
  ]);
}

/** How many receipts from before the cut of a settlement wait for their signature, and how long ago it was cut. */
export async function unsignedAtCut(
  db: Queryable,
  { chainId, vault }: VaultId,
  number: number,
): Promise<{ unsigned: number; cutForS: number }> {
  const { rows } = await db.query<{ unsigned: number; cut_for_s: number }>(
    `select (select count(*)::float8 from receipts_to_sign where issued_at <= b.cut_at) as unsigned,
            extract(epoch from clock_timestamp() - b.cut_at)::float8 as cut_for_s
       from batches b where b.chain_id = $1 and b.vault = $2 and b.number = $3`,
    [chainId, vault, number],
  );
  return { unsigned: rows[0]?.unsigned ?? 0, cutForS: rows[0]?.cut_for_s ?? 0 };
}
