import type { Queryable, Transaction } from './pool.js';

/** What an approval is about. */
export interface UnsignedProvider {
  /** Lower case: what its registration names as its wallet. */
  wallet: string;
  /** A message of it was signed: it needs no approval, and nobody can approve it without. */
  signs: boolean;
}

/** The provider as it registered, locked; `undefined` when nobody has registered under this id. */
export async function lockUnsignedProvider(tx: Transaction, providerId: string): Promise<UnsignedProvider | undefined> {
  const { rows } = await tx.query<{ wallet_addr: string; signs: boolean }>(
    `select wallet_addr,
            exists (select from provider_identities i where i.provider_id = $1 and i.signed_at is not null) as signs
       from providers where provider_id = $1 for no key update`,
    [providerId],
  );
  const row = rows[0];
  return row === undefined ? undefined : { wallet: row.wallet_addr, signs: row.signs };
}

/**
 * Lets a provider in that does not sign, with the wallet it registered, and writes its registration down once more for
 * its workflow to read. Repeated, it is the same approval with the same message.
 *
 * @param by who approves, as operators may read it.
 * @returns the id of that message; it is to be sent to the workflow after the transaction.
 */
export async function approveUnsigned(
  tx: Transaction,
  { providerId, by, now }: { providerId: string; by: string; now: Date },
): Promise<string> {
  await tx.query(
    `update providers set approved_wallet = wallet_addr, approved_by = $2, approved_at = $3
      where provider_id = $1 and approved_wallet is distinct from wallet_addr`,
    [providerId, by, now],
  );
  const { rows } = await tx.query<{ message_id: string }>(
    `with message as (
       select 'approval-' || provider_id || '-' || (extract(epoch from approved_at) * 1000)::bigint as id,
              jsonb_build_object('providerId', provider_id, 'walletAddr', wallet_addr, 'spec', spec, 'capacity', capacity)
                || case when mining_config is null then '{}' else jsonb_build_object('miningConfig', mining_config) end
                || case when agent_version is null then '{}' else jsonb_build_object('agentVersion', agent_version) end
                || coalesce(sealing.key, '{}')
                as registration,
              wallet_addr
         from providers
         left join lateral (
           select jsonb_strip_nulls(jsonb_build_object('encKey', registration -> 'encKey')) as key
             from provider_registrations r
            where r.provider_id = $1 and r.message_id not like 'provider:capacity/%'
            order by received_at desc limit 1
         ) as sealing on true
        where provider_id = $1
     ), written as (
       insert into provider_registrations (message_id, provider_id, registration, wallet, signed)
       select id, $1, registration, wallet_addr, false from message
       on conflict (message_id) do nothing
     )
     select id as message_id from message`,
    [providerId],
  );
  return rows[0]!.message_id;
}

/** What stands behind a registration that was not signed. */
export interface RegistrationStanding {
  /** An operator or the wallet's owner let the provider in with this wallet. */
  approved: boolean;
  /** The owner of this wallet signed for the provider. */
  walletVerified: boolean;
  /** The provider is another wallet's, by its signature or by an approval. */
  isAnothers: boolean;
  /** It has signed a message: only what is signed is answered. */
  signs: boolean;
}

/** Whether a provider may join, unsigned, with the wallet that its registration names. */
export async function registrationStanding(
  db: Queryable,
  providerId: string,
  wallet: string,
): Promise<RegistrationStanding> {
  const { rows } = await db.query<{
    approved: boolean;
    wallet_verified: boolean;
    is_anothers: boolean;
    signs: boolean;
  }>(
    `select coalesce(p.approved_wallet = $2, false) as approved, coalesce(i.wallet = $2, false) as wallet_verified,
            coalesce(i.wallet, p.approved_wallet, $2) <> $2 as is_anothers,
            i.signed_at is not null as signs
       from (select) as one
       left join providers p on p.provider_id = $1
       left join provider_identities i on i.provider_id = $1`,
    [providerId, wallet],
  );
  const row = rows[0]!;
  const { approved, wallet_verified: walletVerified, is_anothers: isAnothers, signs } = row;
  return { approved, walletVerified, isAnothers, signs };
}
