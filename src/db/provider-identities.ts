import { countedAs, type MessageNumber } from '../domain/message-number.js';
import type { Queryable } from './pool.js';
import { maxAheadMs } from '../wire/message-number.js';
import type { ProviderStatus } from '../wire/statuses.js';
import { prepared } from './prepared.js';

/** A provider's owner, and the bounds of its key. Addresses and hashes are in lower case. */
export interface ProviderIdentity {
  wallet: string;
  nodeKey: string;
  /** The hash of the only allowed registration; zeros allow any. */
  specHash: string;
  expiresAt: Date;
  /** Absent for a provider that was claimed but has not signed a message yet. */
  signedAt?: Date;
}

/** What is known about a provider when a message in its name arrives. */
export interface ProviderRecord {
  identity?: ProviderIdentity;
  /** Absent for an unregistered provider. */
  status?: ProviderStatus;
  /** True if it may join although it does not sign. */
  approved: boolean;
  /** The wallet of a provider that was admitted unsigned, by an approval or when signatures were not required. */
  incumbentWallet?: string;
}

interface RecordRow {
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

/** What is known about each of these providers; the result has an entry for every id. */
export async function providerRecords(
  db: Queryable,
  providerIds: readonly string[],
): Promise<Map<string, ProviderRecord>> {
  const { rows } = await db.query<RecordRow>(
    prepared(`select id as provider_id, i.wallet, i.node_key, i.spec_hash, i.expires_at, i.signed_at,
                  p.status, p.approved_wallet is not null as approved,
                  coalesce(p.approved_wallet, case when p.status not in ('pending', 'rejected') then p.wallet_addr end)
                    as incumbent_wallet
             from unnest($1::text[]) id
             left join provider_identities i on i.provider_id = id
             left join providers p on p.provider_id = id`),
    [providerIds],
  );
  return new Map(rows.map((row) => [row.provider_id, recordOf(row)]));
}

function recordOf(row: RecordRow): ProviderRecord {
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

/** The separately numbered kinds of a key's messages; `responses` are requests for answers. */
export type CountedKind = 'registration' | 'capacity' | 'heartbeat' | 'responses';

/** The domain's `countedAs` in SQL. */
const counted = (kind: CountedKind) =>
  `least(i.${kind}_seq, substring(i.${kind}_entry from '^([0-9]+)-[0-9]+$')::numeric + ${maxAheadMs})`;

/** A message that a provider's key signed, with its number. */
export interface NumberedMessage extends MessageNumber {
  providerId: string;
  nodeKey: string;
}

/**
 * Records the number of a message signed by a provider's current key without its delegation. Re-reading the entry with
 * the last number succeeds: it was delivered but not acknowledged.
 *
 * @returns false when the number has been used before or the key is no longer the provider's.
 */
export async function advanceSequence(
  db: Queryable,
  kind: CountedKind,
  message: NumberedMessage,
  now: Date,
): Promise<boolean> {
  return (await advanceSequences(db, kind, [message], now)).has(message.providerId);
}

/**
 * The same for messages of several providers, at most one of each.
 *
 * @returns the providers whose number was recorded.
 */
export async function advanceSequences(
  db: Queryable,
  kind: CountedKind,
  messages: readonly NumberedMessage[],
  now: Date,
): Promise<Set<string>> {
  const column = (value: (message: NumberedMessage) => unknown) => messages.map(value);
  const { rows } = await db.query<{ provider_id: string }>(
    prepared(`with locked as materialized (
             select provider_id from provider_identities where provider_id = any ($1::text[])
              order by provider_id for update)
           update provider_identities i
              set ${kind}_seq = m.seq, ${kind}_entry = m.entry, signed_at = coalesce(signed_at, $5::timestamptz)
             from unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) m (provider_id, node_key, seq, entry)
             join locked using (provider_id)
            where i.provider_id = m.provider_id and i.node_key = m.node_key
              and (i.${kind}_seq is null or ${counted(kind)} < m.seq
                   or (i.${kind}_seq = m.seq and i.${kind}_entry = m.entry))
        returning i.provider_id`),
    [
      column(({ providerId }) => providerId),
      column(({ nodeKey }) => nodeKey),
      column(({ seq }) => seq),
      column(({ entryId }) => entryId),
      // A request for answers does not count as a signed message.
      kind === 'responses' ? null : now,
    ],
  );
  return new Set(rows.map((row) => row.provider_id));
}

/**
 * The message of this kind that was accepted last from a provider's key, with its effective number; undefined if none
 * has been.
 */
export async function lastAccepted(
  db: Queryable,
  kind: CountedKind,
  providerId: string,
): Promise<MessageNumber | undefined> {
  const { rows } = await db.query<{ seq: number | null; entry: string | null }>(
    `select ${kind}_seq as seq, ${kind}_entry as entry from provider_identities where provider_id = $1`,
    [providerId],
  );
  const { seq = null, entry } = rows[0] ?? {};
  const entryId = entry ?? '';
  return seq === null ? undefined : { seq: countedAs({ seq, entryId }), entryId };
}

/** Deletes the nonces of delegations that expired before `before`, which can no longer be presented. */
export async function pruneDelegations(db: Queryable, before: Date): Promise<number> {
  const { rowCount } = await db.query('delete from provider_delegations where expires_at < $1', [before]);
  return rowCount ?? 0;
}
