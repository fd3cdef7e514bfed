import type { Pool } from 'pg';
import type { ProviderStatus } from '../domain/provider.js';
import { storableJson } from './json.js';
import { withTransaction, type Queryable, type Transaction } from './pool.js';

/** Whose a provider is, and what its key may do. Addresses and hashes in lower case. */
export interface ProviderIdentity {
  wallet: string;
  nodeKey: string;
  /** Zeros: any registration. */
  specHash: string;
  expiresAt: Date;
  /** Absent for one that was claimed and has not signed a message yet. */
  signedAt?: Date;
}

/** What is known about a provider when a message in its name comes in. */
export interface ProviderStanding {
  identity?: ProviderIdentity;
  /** Of a provider that is registered. */
  status?: ProviderStatus;
  /** It may join although it does not sign. */
  approved: boolean;
  /** The wallet of a provider that was let in, by an approval or in a time when nobody had to sign. */
  incumbentWallet?: string;
}

interface StandingRow {
  provider_id: string;
  wallet: string | null;
  node_key: string;
  spec_hash: string;
  expires_at: Date;
  signed_at: Date | null;
  status: ProviderStatus | null;
  approved: boolean;
  incumbent_wallet: string | null;
}

/** What is known about some providers, each of them in the answer. */
export async function providerStandings(
  db: Queryable,
  providerIds: readonly string[],
): Promise<Map<string, ProviderStanding>> {
  const { rows } = await db.query<StandingRow>({
    name: 'provider-standings',
    text: `select id as provider_id, i.wallet, i.node_key, i.spec_hash, i.expires_at, i.signed_at,
                  p.status, p.approved_wallet is not null as approved,
                  coalesce(p.approved_wallet, case when p.status not in ('pending', 'rejected') then p.wallet_addr end)
                    as incumbent_wallet
             from unnest($1::text[]) id
             left join provider_identities i on i.provider_id = id
             left join providers p on p.provider_id = id`,
    values: [providerIds],
  });
  return new Map(rows.map((row) => [row.provider_id, standingOf(row)]));
}

function standingOf(row: StandingRow): ProviderStanding {
  return {
    ...(row.wallet === null
      ? {}
      : {
          identity: {
            wallet: row.wallet,
            nodeKey: row.node_key,
            specHash: row.spec_hash,
            expiresAt: row.expires_at,
            ...(row.signed_at === null ? {} : { signedAt: row.signed_at }),
          },
        }),
    ...(row.status === null ? {} : { status: row.status }),
    approved: row.approved,
    ...(row.incumbent_wallet === null ? {} : { incumbentWallet: row.incumbent_wallet }),
  };
}

/** A delegation whose signature was found good. */
export interface SignedDelegation {
  providerId: string;
  wallet: string;
  nodeKey: string;
  specHash: string;
  issuedAt: Date;
  expiresAt: Date;
  nonce: string;
  digest: string;
  chainId: number;
  signature: string;
  /** The message itself. */
  message: object;
}

/** Which message of a key this is, and the entry it came in. */
export interface MessageNumber {
  seq: number;
  entryId: string;
}

/** Why a delegation or a message of it is not accepted although it is signed well. */
export type IdentityRefusal =
  | 'delegation_not_fresh'
  | 'delegation_nonce_reused'
  | 'delegation_superseded'
  | 'other_wallet'
  | 'key_revoked'
  | 'sequence_replayed';

/** Ends the transaction, so that nothing of a refused delegation stays. */
class Refused extends Error {
  constructor(readonly reason: IdentityRefusal) {
    super(reason);
  }
}

export interface AcceptOptions {
  /** A delegation may be used for the first time only when it was issued after this, and before `issuedBefore`. */
  issuedAfter: Date;
  issuedBefore: Date;
  now: Date;
  /** The message that carries it; absent for a claim. */
  message?: MessageNumber;
  /** Only says what would come of it. */
  rehearsal?: boolean;
  /** Runs in the same transaction, after the delegation was accepted. */
  also?: (tx: Transaction) => Promise<void>;
}

/**
 * Binds a provider to the wallet that signed, or finds it bound to it, and makes the node key the one that speaks for
 * it; the key before it is revoked. Of several at once for one provider, each sees what the one before it left.
 *
 * @returns why not, if it is not accepted; nothing is changed then.
 */
export async function acceptDelegation(
  pool: Pool,
  delegation: SignedDelegation,
  options: AcceptOptions,
): Promise<IdentityRefusal | undefined> {
  try {
    await withTransaction(pool, async (tx) => {
      // Every transaction takes the nonce first and the provider second, so no two wait for each other.
      await useNonce(tx, delegation, options);
      await bind(tx, delegation, options);
      await options.also?.(tx);
      if (options.rehearsal === true) throw rehearsed;
    });
    return undefined;
  } catch (error) {
    if (error === rehearsed) return undefined;
    if (error instanceof Refused) return error.reason;
    throw error;
  }
}

const rehearsed = new Error('rolled back, as asked');

/** The nonce rule: a message may be presented again as long as it is good, another with its nonce never. */
async function useNonce(
  tx: Transaction,
  { wallet, nonce, digest, issuedAt, expiresAt }: SignedDelegation,
  { issuedAfter, issuedBefore }: AcceptOptions,
): Promise<void> {
  const { rowCount } = await tx.query(
    `insert into provider_delegations (wallet, nonce, digest, expires_at) values ($1, $2, $3, $4)
     on conflict (wallet, nonce) do nothing`,
    [wallet, nonce, digest, expiresAt],
  );
  if (rowCount === 1) {
    if (issuedAt < issuedAfter || issuedAt > issuedBefore) throw new Refused('delegation_not_fresh');
    return;
  }
  const { rows } = await tx.query<{ digest: string }>(
    'select digest from provider_delegations where wallet = $1 and nonce = $2',
    [wallet, nonce],
  );
  if (rows[0]?.digest !== digest) throw new Refused('delegation_nonce_reused');
}

async function bind(tx: Transaction, delegation: SignedDelegation, { now, message }: AcceptOptions): Promise<void> {
  const { providerId, wallet, nodeKey, specHash, issuedAt, expiresAt, chainId, signature } = delegation;
  const values = [
    providerId,
    wallet,
    nodeKey,
    storableJson(delegation.message),
    signature,
    chainId,
    specHash,
    issuedAt,
    expiresAt,
    message?.seq ?? null,
    message?.entryId ?? null,
    now,
  ];
  const { rowCount } = await tx.query(
    `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash,
                                      issued_at, expires_at, registration_seq, registration_entry, bound_at, signed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, case when $10::bigint is null then null else $12 end)
     on conflict (provider_id) do nothing`,
    values,
  );
  if (rowCount === 1) return;

  const { rows } = await tx.query<{
    wallet: string;
    node_key: string;
    issued_at: Date;
    registration_seq: number | null;
    registration_entry: string | null;
  }>(
    `select wallet, node_key, issued_at, registration_seq, registration_entry
       from provider_identities where provider_id = $1 for update`,
    [providerId],
  );
  const bound = rows[0]!;
  if (bound.wallet !== wallet) throw new Refused('other_wallet');
  // Of its own: a statement sees what was there when it began, which was before it had waited for the lock.
  const { rowCount: revoked } = await tx.query(
    'select from provider_revoked_keys where provider_id = $1 and node_key = $2',
    [providerId, nodeKey],
  );
  if (revoked !== 0) throw new Refused('key_revoked');
  const rotates = bound.node_key !== nodeKey;
  if (!rotates && message !== undefined && bound.registration_seq !== null) {
    requireNext({ seq: bound.registration_seq, entryId: bound.registration_entry ?? '' }, message);
  }
  // An owner who gave the key tighter bounds meanwhile does not want the wider ones back.
  if (issuedAt < bound.issued_at) throw new Refused('delegation_superseded');
  if (rotates) {
    await tx.query(
      `insert into provider_revoked_keys (provider_id, node_key, revoked_at) values ($1, $2, $3)
       on conflict (provider_id, node_key) do nothing`,
      [providerId, bound.node_key, now],
    );
  }
  await tx.query(
    `update provider_identities
        set node_key = $3, delegation = $4, delegation_signature = $5, chain_id = $6, spec_hash = $7, issued_at = $8,
            expires_at = $9,
            registration_seq = case when node_key = $3 then coalesce($10, registration_seq) else $10 end,
            registration_entry = case when node_key = $3 then coalesce($11, registration_entry) else $11 end,
            capacity_seq = case when node_key = $3 then capacity_seq end,
            capacity_entry = case when node_key = $3 then capacity_entry end,
            rotated_at = case when node_key = $3 then rotated_at else $12 end,
            signed_at = case when $10::bigint is null then signed_at else coalesce(signed_at, $12) end
      where provider_id = $1 and wallet = $2`,
    values,
  );
}

function requireNext(last: MessageNumber, { seq, entryId }: MessageNumber): void {
  if (seq < last.seq || (seq === last.seq && entryId !== last.entryId)) throw new Refused('sequence_replayed');
}

/**
 * Notes a message that a provider's current key signed without bringing its delegation along. The entry that carried
 * the last number may come again: it was read and not acknowledged.
 *
 * @returns false when the number was used before, or the key does not speak for the provider any more.
 */
export async function advanceSequence(
  db: Queryable,
  kind: 'registration' | 'capacity',
  { providerId, nodeKey }: { providerId: string; nodeKey: string },
  { seq, entryId }: MessageNumber,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update provider_identities
        set ${kind}_seq = $3, ${kind}_entry = $4, signed_at = coalesce(signed_at, $5)
      where provider_id = $1 and node_key = $2
        and (${kind}_seq is null or ${kind}_seq < $3 or (${kind}_seq = $3 and ${kind}_entry = $4))`,
    [providerId, nodeKey, seq, entryId, now],
  );
  return rowCount === 1;
}

/** Whether `advanceSequence` would take a number that no entry carried yet. */
export async function isNextInSequence(
  db: Queryable,
  kind: 'registration' | 'capacity',
  providerId: string,
  seq: number,
): Promise<boolean> {
  const { rows } = await db.query<{ next: boolean }>(
    `select ${kind}_seq is null or ${kind}_seq < $2 as next from provider_identities where provider_id = $1`,
    [providerId, seq],
  );
  return rows[0]?.next ?? false;
}

/** Closes the door to unsigned messages of a claimed provider: its agent has begun to sign. */
export async function markSigned(db: Queryable, providerId: string, now: Date): Promise<void> {
  await db.query('update provider_identities set signed_at = $2 where provider_id = $1 and signed_at is null', [
    providerId,
    now,
  ]);
}

/** Removes the nonces of delegations that expired before `before`: nobody can present them any more. */
export async function pruneDelegations(db: Queryable, before: Date): Promise<number> {
  const { rowCount } = await db.query('delete from provider_delegations where expires_at < $1', [before]);
  return rowCount ?? 0;
}
