import type { Queryable, Transaction } from './pool.js';
import { together } from './together.js';
import { prepared } from './prepared.js';

/** The provider that an approval is about. */
export interface UnsignedProvider {
  /** The wallet that its registration names, in lower case. */
  wallet: string;
  /** True if it has signed a message: then it needs no approval and cannot be approved as unsigned. */
  signs: boolean;
}

/** Locks and returns a provider as registered; `undefined` for an unknown id. */
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
 * Approves an unsigned provider with the wallet it registered, and stores its registration again for its workflow to
 * read. A repeat yields the same approval and the same message.
 *
 * @param by the name of the approver, for operators.
 * @returns the id of the stored message; signal it to the workflow after the transaction.
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

/** The approval state of an unsigned registration. */
export interface RegistrationRecord {
  /** True if an operator or the wallet's owner approved the provider with this wallet. */
  approved: boolean;
  /** True if the owner of this wallet signed for the provider. */
  walletVerified: boolean;
  /** True if the provider belongs to another wallet, by its signature or by an approval. */
  isAnothers: boolean;
  /** True if it has signed a message: then only signed messages are answered. */
  signs: boolean;
}

/** Whether a provider may join, unsigned, with the wallet that its registration names. */
export const registrationRecord = together(registrationRecords);

/** The same for many, in their order. */
export async function registrationRecords(
  db: Queryable,
  registered: readonly { providerId: string; wallet: string }[],
): Promise<RegistrationRecord[]> {
  const { rows } = await db.query<{
    approved: boolean;
    wallet_verified: boolean;
    is_anothers: boolean;
    signs: boolean;
  }>(
    prepared(`select coalesce(p.approved_wallet = r.wallet, false) as approved,
            coalesce(i.wallet = r.wallet, false) as wallet_verified,
            coalesce(i.wallet, p.approved_wallet, r.wallet) <> r.wallet as is_anothers,
            i.signed_at is not null as signs
       from unnest($1::text[], $2::text[]) with ordinality as r (provider_id, wallet, place)
       left join providers p on p.provider_id = r.provider_id
       left join provider_identities i on i.provider_id = r.provider_id
      order by r.place`),
    [registered.map(({ providerId }) => providerId), registered.map(({ wallet }) => wallet)],
  );
  return rows.map(({ approved, wallet_verified: walletVerified, is_anothers: isAnothers, signs }) => ({
    ...{ approved, walletVerified, isAnothers, signs },
  }));
}
