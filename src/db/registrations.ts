import type { RegistrationRequest } from '../domain/registration.js';
import { storableJson } from './json.js';
import type { Queryable } from './pool.js';

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

/** Keeps a message for the provider's workflow. A message that is there already stays as it is. */
export async function storeRegistration(
  db: Queryable,
  message: StoredRegistration & { messageId: string; providerId: string },
): Promise<void> {
  await db.query({
    name: 'store-registration',
    text: `insert into provider_registrations (message_id, provider_id, registration, wallet, signed, received_at)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (message_id) do nothing`,
    values: [
      message.messageId,
      message.providerId,
      storableJson(message.registration),
      message.wallet,
      message.signed,
      message.receivedAt,
    ],
  });
}

/** @returns undefined when there is none under this id, or no longer. */
export async function loadRegistration(db: Queryable, messageId: string): Promise<StoredRegistration | undefined> {
  const { rows } = await db.query<{
    registration: RegistrationRequest;
    wallet: string;
    signed: boolean;
    received_at: Date;
  }>('select registration, wallet, signed, received_at from provider_registrations where message_id = $1', [messageId]);
  const row = rows[0];
  if (row === undefined) return undefined;
  return { registration: row.registration, wallet: row.wallet, signed: row.signed, receivedAt: row.received_at };
}

/** Forgets messages that came before `olderThan`, some thousands at a time. @returns how many. */
export async function pruneRegistrations(db: Queryable, olderThan: Date): Promise<number> {
  const { rowCount } = await db.query(
    `delete from provider_registrations
      where message_id in (select message_id from provider_registrations where received_at < $1
                            order by received_at limit 5000)`,
    [olderThan],
  );
  return rowCount ?? 0;
}
