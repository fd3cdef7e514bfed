import type { Pool } from 'pg';
import { countedAs, type MessageNumber } from '../domain/message-number.js';
import type { ProviderRejection } from '../domain/provider-rejections.js';
import { claimEarnings } from './claims.js';
import { storableJson } from './json.js';
import { withTransaction, type Queryable, type Transaction } from './pool.js';
import { prepared } from './prepared.js';

/** A delegation with a verified signature. */
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
  /** The signed message. */
  message: object;
}

/** Why a delegation, or a message under it, is rejected although its signature is valid. */
type IdentityRejection = Extract<
  ProviderRejection,
  | 'delegation_not_fresh'
  | 'delegation_nonce_reused'
  | 'delegation_superseded'
  | 'other_wallet'
  | 'key_revoked'
  | 'sequence_replayed'
>;

/**
 * Whether a wallet was proven to have signed a delegation, and a provider is bound by this signature of it. A contract may
 * have changed its mind since; until it signs another delegation, or this one expires, the provider stays bound.
 */
export async function wasProven(
  pool: Queryable,
  of: Pick<SignedDelegation, 'wallet' | 'digest' | 'signature'>,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from provider_delegations d
      where d.wallet = $1 and d.digest = $2
        and exists (select from provider_identities i where i.wallet = $1 and i.delegation_signature = $3)`,
    [of.wallet, of.digest, of.signature],
  );
  return rowCount !== 0;
}

/** Rolls the transaction back, so that a rejected delegation leaves no trace. */
class BindingRejected extends Error {
  constructor(readonly reason: IdentityRejection) {
    super(reason);
  }
}

interface AcceptOptions {
  /** A delegation must have been issued between this time and `issuedBefore` to be used for the first time. */
  issuedAfter: Date;
  issuedBefore: Date;
  now: Date;
  /** The message that contains the delegation; absent for a claim. */
  message?: MessageNumber;
  /** Returns the result without changing anything. */
  dryRun?: boolean;
  /** Runs in the same transaction after the delegation is accepted. */
  also?: (tx: Transaction) => Promise<void>;
}

/**
 * Binds a provider to the wallet that signed, unless it is bound to it already, makes the node key the provider's key
 * and revokes the previous key. Concurrent delegations for one provider run one after the other.
 *
 * @returns the reason for a rejection, which changes nothing; undefined when accepted.
 */
export async function acceptDelegation(
  pool: Pool,
  delegation: SignedDelegation,
  options: AcceptOptions,
): Promise<IdentityRejection | undefined> {
  try {
    await withTransaction(pool, async (tx) => {
      // Every transaction takes the nonce first and the provider second, so no two wait for each other.
      await useNonce(tx, delegation, options);
      await bind(tx, delegation, options);
      await claimEarnings(tx, delegation.providerId);
      await options.also?.(tx);
      if (options.dryRun === true) throw rolledBack;
    });
    return undefined;
  } catch (error) {
    if (error === rolledBack) return undefined;
    if (error instanceof BindingRejected) return error.reason;
    throw error;
  }
}

const rolledBack = new Error('rolled back, as asked');

/**
 * Applies the nonce rule: a delegation may be replayed while valid; a different one with the same nonce is always
 * rejected.
 */
async function useNonce(
  tx: Transaction,
  { wallet, nonce, digest, issuedAt, expiresAt }: SignedDelegation,
  { issuedAfter, issuedBefore }: AcceptOptions,
): Promise<void> {
  const { rowCount } = await tx.query(
    prepared(`insert into provider_delegations (wallet, nonce, digest, expires_at) values ($1, $2, $3, $4)
     on conflict (wallet, nonce) do nothing`),
    [wallet, nonce, digest, expiresAt],
  );
  if (rowCount === 1) {
    if (issuedAt < issuedAfter || issuedAt > issuedBefore) throw new BindingRejected('delegation_not_fresh');
    return;
  }
  const { rows } = await tx.query<{ digest: string }>(
    prepared('select digest from provider_delegations where wallet = $1 and nonce = $2'),
    [wallet, nonce],
  );
  if (rows[0]?.digest !== digest) throw new BindingRejected('delegation_nonce_reused');
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
    prepared(`insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash,
                                      issued_at, expires_at, registration_seq, registration_entry, bound_at, signed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::timestamptz,
             case when $10::bigint is null then null else $12::timestamptz end)
     on conflict (provider_id) do nothing`),
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
    prepared(`select wallet, node_key, issued_at, registration_seq, registration_entry
       from provider_identities where provider_id = $1 for update`),
    [providerId],
  );
  const bound = rows[0]!;
  if (bound.wallet !== wallet) throw new BindingRejected('other_wallet');
  // A separate statement: one statement sees rows as of its start, which was before the lock was granted.
  const { rowCount: revoked } = await tx.query(
    prepared('select from provider_revoked_keys where provider_id = $1 and node_key = $2'),
    [providerId, nodeKey],
  );
  if (revoked !== 0) throw new BindingRejected('key_revoked');
  const rotates = bound.node_key !== nodeKey;
  if (!rotates && message !== undefined && bound.registration_seq !== null) {
    requireNext({ seq: bound.registration_seq, entryId: bound.registration_entry ?? '' }, message);
  }
  // The owner has since given the key tighter bounds, so an older delegation must not restore the wider ones.
  if (issuedAt < bound.issued_at) throw new BindingRejected('delegation_superseded');
  if (rotates) {
    await tx.query(
      prepared(`insert into provider_revoked_keys (provider_id, node_key, revoked_at) values ($1, $2, $3)
       on conflict (provider_id, node_key) do nothing`),
      [providerId, bound.node_key, now],
    );
  }
  await tx.query(
    prepared(`update provider_identities
        set node_key = $3, delegation = $4, delegation_signature = $5, chain_id = $6, spec_hash = $7, issued_at = $8,
            expires_at = $9,
            registration_seq = case when node_key = $3 then coalesce($10::bigint, registration_seq) else $10::bigint end,
            registration_entry = case when node_key = $3 then coalesce($11::text, registration_entry) else $11::text end,
            capacity_seq = case when node_key = $3 then capacity_seq end,
            capacity_entry = case when node_key = $3 then capacity_entry end,
            heartbeat_seq = case when node_key = $3 then heartbeat_seq end,
            heartbeat_entry = case when node_key = $3 then heartbeat_entry end,
            responses_seq = case when node_key = $3 then responses_seq end,
            responses_entry = case when node_key = $3 then responses_entry end,
            rotated_at = case when node_key = $3 then rotated_at else $12::timestamptz end,
            signed_at = case when $10::bigint is null then signed_at else coalesce(signed_at, $12::timestamptz) end
      where provider_id = $1 and wallet = $2`),
    values,
  );
}

function requireNext(last: MessageNumber, { seq, entryId }: MessageNumber): void {
  const isSame = seq === last.seq && entryId === last.entryId;
  if (!isSame && seq <= countedAs(last)) throw new BindingRejected('sequence_replayed');
}
