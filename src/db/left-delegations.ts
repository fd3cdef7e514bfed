import type { Queryable } from './pool.js';
import { removeOld } from './pruning.js';

/** A delegation that an owner left for his machine; its signature has been verified. */
export interface LeftDelegation {
  providerId: string;
  nodeKey: string;
  wallet: string;
  reg: string;
  regsig: string;
  issuedAt: Date;
  /** Until when the machine may use it for the first time. */
  goodUntil: Date;
}

/** One owner has one wallet: more of them only show that something is wrong. */
const walletsPerKey = 4;

/**
 * Leaves a delegation for a machine; a newer one of its wallet takes its place.
 *
 * @returns `known` when it waits already, or a newer one does; `full` when too many wallets wait for the same key.
 */
export async function leaveDelegation(tx: Queryable, left: LeftDelegation): Promise<'left' | 'known' | 'full'> {
  const { providerId, nodeKey, wallet, reg, regsig, issuedAt, goodUntil } = left;
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('delegations of ' || $1, 0))`, [nodeKey]);
  await tx.query('delete from left_delegations where node_key = $1 and good_until <= now()', [nodeKey]);
  const { rowCount } = await tx.query(
    `insert into left_delegations as l (node_key, provider_id, wallet, reg, regsig, issued_at, good_until)
     select $1::text, $2::text, $3::text, $4, $5, $6::timestamptz, $7::timestamptz
      where (select count(*) from left_delegations
              where node_key = $1::text and (provider_id <> $2::text or wallet <> $3::text)) < $8
     on conflict (node_key, provider_id, wallet) do update
       set reg = excluded.reg, regsig = excluded.regsig, issued_at = excluded.issued_at, good_until = excluded.good_until
       where l.issued_at <= excluded.issued_at and (l.reg, l.regsig) is distinct from (excluded.reg, excluded.regsig)`,
    [nodeKey, providerId, wallet, reg, regsig, issuedAt, goodUntil, walletsPerKey],
  );
  if (rowCount === 1) return 'left';
  const { rowCount: known } = await tx.query(
    'select from left_delegations where node_key = $1 and provider_id = $2 and wallet = $3',
    [nodeKey, providerId, wallet],
  );
  return known === 1 ? 'known' : 'full';
}

/** What waits for a machine's key, the newest first. */
export async function leftDelegations(
  db: Queryable,
  providerId: string,
  nodeKey: string,
): Promise<{ reg: string; regsig: string }[]> {
  const { rows } = await db.query<{ reg: string; regsig: string }>(
    `select reg, regsig from left_delegations
      where node_key = $2 and provider_id = $1 and good_until > now() order by issued_at desc`,
    [providerId, nodeKey],
  );
  return rows;
}

/** Deletes what could not be used any more before `before`. @returns how many. */
export async function pruneLeftDelegations(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from left_delegations where (node_key, provider_id, wallet) in
       (select node_key, provider_id, wallet from left_delegations where good_until < $1 order by good_until limit $2)`,
    before,
  );
}
