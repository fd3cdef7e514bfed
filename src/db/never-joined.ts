import type { Pool } from 'pg';
import { withTransaction, type Queryable } from './pool.js';
import { prepared } from './prepared.js';
import { leaveNode } from './provider-nodes.js';
import { removeOld } from './pruning.js';
import { together } from './together.js';

/** How many registered providers of one wallet may never have joined; each has a workflow that waits for it. */
const neverJoinedPerWallet = 1_000;
/** The same limit for all unsigned providers together, since nobody can tell whose they are. */
export const neverJoinedUnsigned = 20_000;

/** Whether a wallet may register this provider: it is already known, or the wallet is below the limit. */
export const hasRoomForProvider = together(whichHaveRoom);

/** The same for several providers, in their order. */
export async function whichHaveRoom(
  db: Queryable,
  registered: readonly { providerId: string; wallet: string; signed: boolean }[],
): Promise<boolean[]> {
  const waiting = `joined_at is null and status <> 'retired'`;
  // An unsigned provider may name any wallet, so it must not count against that wallet's limit.
  const { rows } = await db.query<{ room: boolean }>(
    prepared(`select exists (select from providers where provider_id = r.provider_id)
            or case when r.signed
                    then (select count(*) from (select from providers
                                                 where wallet_addr = r.wallet and wallet_verified and ${waiting}
                                                 limit $4) of_wallet) < $4
                    else (select count(*) from (select from providers
                                                 where not wallet_verified and ${waiting} limit $5) unsigned) < $5
               end as room
       from unnest($1::text[], $2::text[], $3::bool[]) with ordinality as r (provider_id, wallet, signed, place)
      order by r.place`),
    [
      registered.map(({ providerId }) => providerId),
      registered.map(({ wallet }) => wallet),
      registered.map(({ signed }) => signed),
      ...[neverJoinedPerWallet, neverJoinedUnsigned],
    ],
  );
  return rows.map(({ room }) => room);
}

/** Matches a provider that was never in service, last registered before $1, and has no outstanding join command. */
const isStale = `joined_at is null and registration_at < $1
  and not exists (select from join_tokens t where t.provider_id = p.provider_id and t.deleted_at is null)`;

/** Providers that last registered before `before` and never joined. */
export async function staleProviders(db: Queryable, before: Date, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ provider_id: string }>(
    `select provider_id from providers p where ${isStale} order by registration_at limit $2`,
    [before, limit],
  );
  return rows.map(({ provider_id }) => provider_id);
}

/**
 * Deletes such a provider and its ownership: the next wallet to register the id owns it. The row is locked while `tell`
 * signals the workflow, which then finds no row.
 *
 * @returns false when the provider has registered or joined since.
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

/** Deletes claims made before `before` for providers never heard from since. @returns how many. */
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

/** Deletes keys revoked before `before`: all their delegations have expired. @returns how many. */
export async function forgetRevokedKeys(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_revoked_keys where (provider_id, node_key) in
       (select provider_id, node_key from provider_revoked_keys where revoked_at < $1 order by revoked_at limit $2)`,
    before,
  );
}
