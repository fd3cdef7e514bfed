import type { RegistrationRequest } from '../domain/registration.js';
import { storableJson } from './json.js';
import { withShortLocks, type Database, type Queryable, type Transaction } from './pool.js';
import { removeOld } from './pruning.js';
import { prepared } from './prepared.js';
import { together, togetherLocking } from './together.js';

/** A registration or capacity update that passed validation, and what is known about its sender. */
export interface StoredRegistration {
  registration: RegistrationRequest;
  /** Lower case. */
  wallet: string;
  /** True when the sender proved that the wallet is its own. */
  signed: boolean;
  /** When the message reached the stream. */
  receivedAt: Date;
}

/** For this long after a waiting message was signalled, a newer message of the provider may replace it. */
const waitsAtMostS = 60;
/** How many messages of one kind are kept per provider, not counting those that a join command answers. */
const keptOfProvider = 8;
/** How many messages under different wallets may wait for an unsigned provider. */
const waitingUnsigned = 4;

/** Messages of one millisecond are told apart by microseconds. */
const mostPlacesInMs = 999;

/** How often workflows are signalled about messages of one kind. */
export const messageRates = {
  /** Each message gets an answer with its own join command. */
  perProviderPerMinute: 6,
  /** Enough for a whole machine room that comes back from a power cut. */
  perWalletPerMinute: 600,
} as const;

/** Where a message was stored, and whether its provider's workflow must be signalled. */
export interface KeptMessage {
  /** The row with its content: its own, or that of a waiting message. */
  messageId: string;
  /** True if the workflow has not been signalled about that row yet. */
  untold: boolean;
  /** Who sent it: of messages of one sender only the newest counts. */
  sender: string;
}

/** Anybody can name a wallet: only signatures keep him from overtaking its owner. */
export const senderOf = ({ wallet, signed }: Pick<StoredRegistration, 'wallet' | 'signed'>) =>
  `${signed ? 'signed' : 'unsigned'} ${wallet}`;

/** A message as it came. */
export interface ArrivedMessage extends StoredRegistration {
  messageId: string;
  providerId: string;
  /** Its place among the messages that arrived in the same millisecond, which may be handled in any order. */
  placeInMs: number;
}

/**
 * Stores a message for its provider's workflow. A newer message replaces one that still waits there, so a sender of
 * many messages fills neither the table nor the workflow's history. A message signalled long ago but not read yet is
 * not replaced; the workflow answers it when it gets to it.
 *
 * @returns undefined when too many messages under different wallets are already waiting.
 */
export const keepRegistration = together(keepRegistrations, ({ providerId }) => providerId);

/** The same for messages of several providers, at most one of each. */
export async function keepRegistrations(
  pool: Database,
  messages: readonly ArrivedMessage[],
): Promise<(KeptMessage | undefined)[]> {
  return await withShortLocks(pool, messages.length, async (tx) => {
    const open = await findOpen(tx, messages);
    const fated = messages.map((message) => ({ message, ...fateOf(message, open) }));
    const replacing = fated.filter(({ becomes }) => becomes === 'replacement');
    await replaceKept(
      tx,
      replacing.map(({ message, kept }) => ({ ...message, ...kept })),
    );
    await insertKept(
      tx,
      fated.filter(({ becomes }) => becomes === 'new').map(({ message }) => message),
    );
    return fated.map(({ kept }) => kept);
  });
}

/** What a message becomes: it was stored before, takes the place of one that waits, gets a row of its own, or is refused. */
type Fate = { becomes: 'found' | 'replacement' | 'new'; kept: KeptMessage } | { becomes: 'refused'; kept?: undefined };

interface OpenRow {
  message_id: string;
  provider_id: string;
  kind: string;
  untold: boolean;
  wallet: string;
  signed: boolean;
  stale: boolean;
  taken: boolean;
  received_s: number;
}

function fateOf(message: ArrivedMessage, before: readonly OpenRow[]): Fate {
  const { messageId, providerId, signed, wallet } = message;
  const sender = senderOf(message);
  const own = before.find(({ message_id }) => message_id === messageId);
  if (own !== undefined) return { becomes: 'found', kept: { messageId, untold: own.untold, sender: senderOf(own) } };
  const [kind] = messageId.split('/');
  const ofSameKind = before.filter((row) => row.provider_id === providerId && row.kind === kind);
  const waiting = ofSameKind.filter((row) => row.signed === signed && !row.taken && !row.stale);
  const slot = waiting.find((row) => row.wallet === wallet);
  if (slot !== undefined)
    return { becomes: 'replacement', kept: { messageId: slot.message_id, untold: slot.untold, sender } };
  if (!signed && waiting.length >= waitingUnsigned) return { becomes: 'refused' };
  return { becomes: 'new', kept: { messageId, untold: true, sender } };
}

/**
 * The messages themselves, where they are stored already, and those like them of the same providers that nobody has read.
 * They stay locked, because a row that is being read at this moment would never be read again.
 */
async function findOpen(tx: Transaction, messages: readonly ArrivedMessage[]): Promise<OpenRow[]> {
  const providerIds = messages.map(({ providerId }) => providerId);
  await tx.query(
    prepared(`select pg_advisory_xact_lock(hashtextextended('messages of ' || provider_id, 0))
       from (select provider_id from unnest($1::text[]) as m (provider_id) order by 1) m`),
    [providerIds],
  );
  const { rows } = await tx.query<OpenRow>(
    prepared(`select message_id, provider_id, kind, signalled_at is null as untold, wallet, signed,
            extract(epoch from received_at)::float8 as received_s,
            coalesce(signalled_at < now() - make_interval(secs => $3), false) as stale, taken_at is not null as taken
       from provider_registrations
      where provider_id = any ($1::text[])
        and (message_id = any ($2::text[])
             or (taken_at is null and (provider_id, kind, signed) in (
                   select provider_id, split_part(message_id, '/', 1), signed
                     from unnest($1::text[], $2::text[], $4::bool[]) as m (provider_id, message_id, signed))))
      order by message_id
        for no key update`),
    [providerIds, messages.map(({ messageId }) => messageId), waitsAtMostS, messages.map(({ signed }) => signed)],
  );
  return rows.sort((a, b) => b.received_s - a.received_s);
}

const receivedAtSql = `m.received_at + m.place_us * interval '1 microsecond'`;
const placeUs = ({ placeInMs }: ArrivedMessage) => Math.min(placeInMs, mostPlacesInMs);

async function replaceKept(tx: Transaction, messages: readonly ArrivedMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(
    prepared(`update provider_registrations r set registration = m.registration::jsonb, received_at = ${receivedAtSql}
       from unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[])
              as m (message_id, registration, received_at, place_us)
      where r.message_id = m.message_id and r.received_at <= ${receivedAtSql}`),
    [
      messages.map(({ messageId }) => messageId),
      messages.map(({ registration }) => storableJson(registration)),
      messages.map(({ receivedAt }) => receivedAt),
      messages.map(placeUs),
    ],
  );
}

/** Stores messages in rows of their own, and forgets their providers' oldest. */
async function insertKept(tx: Transaction, messages: readonly ArrivedMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const messageIds = messages.map(({ messageId }) => messageId);
  const providerIds = messages.map(({ providerId }) => providerId);
  const signed = messages.map((message) => message.signed);
  await tx.query(
    prepared(`insert into provider_registrations (message_id, provider_id, registration, wallet, signed, received_at)
     select message_id, provider_id, registration::jsonb, wallet, signed, ${receivedAtSql}
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::timestamptz[], $7::int[])
              as m (message_id, provider_id, registration, wallet, signed, received_at, place_us)`),
    [
      messageIds,
      providerIds,
      messages.map(({ registration }) => storableJson(registration)),
      messages.map(({ wallet }) => wallet),
      signed,
      messages.map(({ receivedAt }) => receivedAt),
      messages.map(placeUs),
    ],
  );
  await tx.query(
    prepared(`delete from provider_registrations r
      where r.message_id in
            (select o.message_id
               from unnest($1::text[], $2::text[], $3::bool[]) as m (message_id, provider_id, signed)
              cross join lateral (
                select k.message_id from provider_registrations k
                 where k.provider_id = m.provider_id and k.kind = split_part(m.message_id, '/', 1)
                   and k.signed = m.signed and k.message_id <> m.message_id
                 order by k.received_at desc offset $4) o)
        and not exists (select from join_tokens t
                         where t.provider_id = r.provider_id and t.deleted_at is null
                           and split_part(t.message_id, '#', 1) = r.message_id)`),
    [messageIds, providerIds, signed, keptOfProvider - 1],
  );
}

/** @returns undefined when nothing is kept under this id. */
export async function findKept(db: Queryable, messageId: string): Promise<KeptMessage | undefined> {
  const { rows } = await db.query<{ untold: boolean; wallet: string; signed: boolean }>(
    prepared('select signalled_at is null as untold, wallet, signed from provider_registrations where message_id = $1'),
    [messageId],
  );
  return rows[0] && { messageId, untold: rows[0].untold, sender: senderOf(rows[0]) };
}

/** Whether the limits of the last minute allow signalling this message to its workflow now. */
export const mayBeTold = together(whichMayBeTold);

/** The same for several messages, in their order. */
export async function whichMayBeTold(db: Queryable, messageIds: readonly string[]): Promise<boolean[]> {
  const { rows } = await db.query<{ message_id: string; may: boolean }>(
    prepared(`select r.message_id, (select count(*) from provider_registrations o
              where o.provider_id = r.provider_id and o.kind = r.kind and o.signed = r.signed and o.message_id <> r.message_id
                and coalesce(o.signalled_at, o.handed_over_at) > now() - interval '1 minute') < $2
            and (not r.signed or
                 (select count(*) from provider_registrations o
                   where o.wallet = r.wallet and o.kind = r.kind and o.signed
                     and o.signalled_at > now() - interval '1 minute') +
                 (select count(*) from provider_registrations o
                   where o.wallet = r.wallet and o.kind = r.kind and o.signed and o.message_id <> r.message_id
                     and o.handed_over_at is not null and o.signalled_at is null) < $3) as may
       from provider_registrations r where r.message_id = any ($1::text[])`),
    [messageIds, messageRates.perProviderPerMinute, messageRates.perWalletPerMinute],
  );
  const may = new Map(rows.map((row) => [row.message_id, row.may]));
  return messageIds.map((messageId) => may.get(messageId) ?? true);
}

/** Records that the provider's workflow was signalled about a message. */
export async function markTold(db: Queryable, messageId: string): Promise<void> {
  await db.query(
    prepared('update provider_registrations set signalled_at = coalesce(signalled_at, now()) where message_id = $1'),
    [messageId],
  );
}

/** Reads a message to act on it; from then on it is not replaced. @returns undefined when there is none. */
export const takeRegistration = togetherLocking(takeRegistrations);

/** The same for several messages. @returns them in the order of `messageIds`. */
export async function takeRegistrations(
  db: Queryable,
  messageIds: readonly string[],
): Promise<(StoredRegistration | undefined)[]> {
  const { rows } = await db.query<StoredRow>(
    prepared(`update provider_registrations set taken_at = coalesce(taken_at, now())
      where message_id in (${lockedSql('$1')})
     returning ${columns}`),
    [messageIds],
  );
  const byId = new Map(rows.map((row) => [row.message_id, storedOf(row)]));
  return messageIds.map((messageId) => byId.get(messageId));
}

/** @returns undefined when there is none under this id, or no longer. */
export async function loadRegistration(db: Queryable, messageId: string): Promise<StoredRegistration | undefined> {
  const { rows } = await db.query<StoredRow>(
    prepared(`select ${columns} from provider_registrations where message_id = $1`),
    [messageId],
  );
  return rows[0] && storedOf(rows[0]);
}

interface StoredRow {
  message_id: string;
  registration: RegistrationRequest;
  wallet: string;
  signed: boolean;
  received_at: Date;
}

/** The ids of these messages, locked in the one order in which everybody does, so that nobody waits in a circle. */
export const lockedSql = (ids: string) =>
  `select message_id from provider_registrations where message_id = any (${ids}::text[])
    order by message_id for no key update`;

const columns = 'message_id, registration, wallet, signed, received_at';

function storedOf({ registration, wallet, signed, received_at }: StoredRow): StoredRegistration {
  return { registration, wallet, signed, receivedAt: received_at };
}

/** Deletes messages received before `olderThan`, some thousands at a time. @returns how many. */
export async function pruneRegistrations(db: Queryable, olderThan: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_registrations
      where message_id in (select message_id from provider_registrations where received_at < $1
                            order by received_at limit $2)`,
    olderThan,
  );
}
