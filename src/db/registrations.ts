import type { Pool } from 'pg';
import type { RegistrationRequest } from '../domain/registration.js';
import { storableJson } from './json.js';
import { withTransaction, type Queryable } from './pool.js';
import { removeOld } from './pruning.js';
import { prepared } from './prepared.js';
import { together } from './together.js';

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

/**
 * Stores a message for its provider's workflow. A newer message replaces one that still waits there, so a sender of
 * many messages fills neither the table nor the workflow's history. A message signalled long ago but not read yet is
 * not replaced; the workflow answers it when it gets to it.
 *
 * @returns undefined when too many messages under different wallets are already waiting.
 */
export async function keepRegistration(
  pool: Pool,
  message: StoredRegistration & {
    messageId: string;
    providerId: string;
    /** Its place among the messages that arrived in the same millisecond, which may be handled in any order. */
    placeInMs: number;
  },
): Promise<KeptMessage | undefined> {
  const { messageId, providerId, registration, wallet, signed, receivedAt } = message;
  const placeUs = Math.min(message.placeInMs, mostPlacesInMs);
  return await withTransaction(pool, async (tx) => {
    await tx.query(prepared(`select pg_advisory_xact_lock(hashtextextended('messages of ' || $1, 0))`), [providerId]);
    const known = await findKept(tx, messageId);
    if (known !== undefined) return known;
    // Locked, because a row that is being read at this moment would never be read again.
    const { rows } = await tx.query<{ message_id: string; untold: boolean; same: boolean; stale: boolean }>(
      prepared(`select message_id, signalled_at is null as untold, wallet = $4 as same,
              coalesce(signalled_at < now() - make_interval(secs => $5), false) as stale
         from provider_registrations
        where provider_id = $1 and taken_at is null and kind = split_part($2, '/', 1) and signed = $3
        order by received_at desc
          for no key update`),
      [providerId, messageId, signed, wallet, waitsAtMostS],
    );
    const waiting = rows.filter(({ stale }) => !stale);
    const slot = waiting.find(({ same }) => same);
    if (slot !== undefined) {
      await tx.query(
        prepared(`update provider_registrations
            set registration = $2, received_at = $3::timestamptz + $4::int * interval '1 microsecond'
          where message_id = $1 and received_at <= $3::timestamptz + $4::int * interval '1 microsecond'`),
        [slot.message_id, storableJson(registration), receivedAt, placeUs],
      );
      return { messageId: slot.message_id, untold: slot.untold, sender: senderOf(message) };
    }
    if (!signed && waiting.length >= waitingUnsigned) return undefined;
    await tx.query(
      prepared(`insert into provider_registrations (message_id, provider_id, registration, wallet, signed, received_at)
       values ($1, $2, $3, $4, $5, $6::timestamptz + $7::int * interval '1 microsecond')`),
      [messageId, providerId, storableJson(registration), wallet, signed, receivedAt, placeUs],
    );
    await tx.query(
      prepared(`delete from provider_registrations r
        where provider_id = $1 and message_id in
              (select message_id from provider_registrations
                where provider_id = $1 and kind = split_part($2, '/', 1) and signed = $3 and message_id <> $2
                order by received_at desc offset $4)
          and not exists (select from join_tokens t
                           where t.provider_id = $1 and t.deleted_at is null
                             and split_part(t.message_id, '#', 1) = r.message_id)`),
      [providerId, messageId, signed, keptOfProvider - 1],
    );
    return { messageId, untold: true, sender: senderOf(message) };
  });
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
export async function mayBeTold(db: Queryable, messageId: string): Promise<boolean> {
  const { rows } = await db.query<{ may: boolean }>(
    prepared(`select (select count(*) from provider_registrations o
              where o.provider_id = r.provider_id and o.kind = r.kind and o.signed = r.signed and o.message_id <> r.message_id
                and coalesce(o.signalled_at, o.handed_over_at) > now() - interval '1 minute') < $2
            and (not r.signed or
                 (select count(*) from provider_registrations o
                   where o.wallet = r.wallet and o.kind = r.kind and o.signed
                     and o.signalled_at > now() - interval '1 minute') +
                 (select count(*) from provider_registrations o
                   where o.wallet = r.wallet and o.kind = r.kind and o.signed and o.message_id <> r.message_id
                     and o.handed_over_at is not null and o.signalled_at is null) < $3) as may
       from provider_registrations r where r.message_id = $1`),
    [messageId, messageRates.perProviderPerMinute, messageRates.perWalletPerMinute],
  );
  return rows[0]?.may ?? true;
}

/** Records that the provider's workflow was signalled about a message. */
export async function markTold(db: Queryable, messageId: string): Promise<void> {
  await db.query(
    prepared('update provider_registrations set signalled_at = coalesce(signalled_at, now()) where message_id = $1'),
    [messageId],
  );
}

/** Reads a message to act on it; from then on it is not replaced. @returns undefined when there is none. */
export const takeRegistration = together(takeRegistrations);

/** The same for many, in the order of their ids. */
export async function takeRegistrations(
  db: Queryable,
  messageIds: readonly string[],
): Promise<(StoredRegistration | undefined)[]> {
  const { rows } = await db.query<StoredRow>(
    prepared(`update provider_registrations set taken_at = coalesce(taken_at, now())
      where message_id = any ($1::text[])
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
