import type { Pool } from 'pg';
import { withTransaction, type Queryable } from './pool.js';
import { leaveNode } from './provider-nodes.js';
import { removeOld } from './pruning.js';

/** So many providers of one wallet may be registered and not have joined; each has a workflow that waits for it. */
export const neverJoinedPerWallet = 1_000;
/** So many of all that do not sign: of those nobody can say whose they are. */
export const neverJoinedUnsigned = 20_000;

/** Whether a wallet may register this provider: it is known already, or few of the wallet's others have never joined. */
export async function hasRoomForProvider(
  db: Queryable,
  { providerId, wallet, signed }: { providerId: string; wallet: string; signed: boolean },
): Promise<boolean> {
  // What does not sign may name anybody's wallet, and must not use up what its owner may register.
  const { rows } = await db.query<{ room: boolean }>({
    name: `room-for-${signed ? 'signed' : 'unsigned'}-provider`,
    text: `select exists (select from providers where provider_id = $1)
               or (select count(*) from (select from providers
                                          where ${signed ? 'wallet_addr = $3 and wallet_verified' : 'not wallet_verified'}
                                            and joined_at is null and status <> 'retired' limit $2) waiting) < $2 as room`,
    values: signed ? [providerId, neverJoinedPerWallet, wallet] : [providerId, neverJoinedUnsigned],
  });
  return rows[0]!.room;
}

/** Never in service, last registered before $1, and no join command of it is out. */
const isStale = `joined_at is null and registration_at < $1
  and not exists (select from join_tokens t where t.provider_id = p.provider_id and t.deleted_at is null)`;

/** Providers that registered before `before` for the last time and never joined. */
export async function staleProviders(db: Queryable, before: Date, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ provider_id: string }>(
    `select provider_id from providers p where ${isStale} order by registration_at limit $2`,
    [before, limit],
  );
  return rows.map(({ provider_id }) => provider_id);
}

/**
 * Forgets such a provider, and whose it was: whoever registers it next is its first. While `tell` runs its workflow
 * cannot look at the row; when it can, there is none.
 *
 * @returns false when it has registered or joined meanwhile.
 */
export async function forgetProvider(
  pool: Pool,
  providerId: string,
  before: Date,
  tell: () => Promise<void>,
): Promise<boolean> {
  return await withTransaction(pool, async (tx) => {
    const { rowCount } = await tx.query(`delete from providers p where ${isStale} and provider_id = $2`, [
      before,
      providerId,
    ]);
    if (rowCount === 0) return false;
    await tx.query('delete from provider_identities where provider_id = $1', [providerId]);
    await leaveNode(tx, providerId);
    await tell();
    return true;
  });
}

/** Forgets that providers were claimed, before `before`, of which nobody has heard since. @returns how many. */
export async function forgetClaims(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_identities where provider_id in
       (select provider_id from provider_identities i
         where signed_at is null and bound_at < $1 and not exists (select from providers p where p.provider_id = i.provider_id)
         order by bound_at limit $2)`,
    before,
  );
}

/** Forgets keys that were revoked before `before`: no delegation of theirs is good any more. @returns how many. */
export async function forgetRevokedKeys(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_revoked_keys where (provider_id, node_key) in
       (select provider_id, node_key from provider_revoked_keys where revoked_at < $1 order by revoked_at limit $2)`,
    before,
  );
}
