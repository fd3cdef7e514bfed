import { findJobByKey } from '../db/jobs.js';
import type { Queryable } from '../db/pool.js';
import { findSshKeys } from '../db/ssh-keys.js';
import { validationFailed } from './problem.js';

/**
 * The public keys that an order names by their ids. They are read once, when the order is taken: a key that is deleted
 * later stays in the job. A repeat of an accepted order needs none of them any more.
 *
 * @throws BrokerError `validation_failed`, with each id that is no key of the wallet.
 */
export async function keysOfOrder(
  db: Queryable,
  keyIds: readonly string[],
  { wallet, idempotencyKey }: { wallet: string; idempotencyKey: string | undefined },
): Promise<string[]> {
  if (keyIds.length === 0) return [];
  const known = new Map((await findSshKeys(db, wallet, keyIds)).map((key) => [key.keyId, key.publicKey]));
  const unknown = keyIds.flatMap((id, at) => (known.has(id) ? [] : [at]));
  const isRepeat = async () =>
    idempotencyKey !== undefined && (await findJobByKey(db, wallet, idempotencyKey)) !== undefined;
  if (unknown.length > 0 && !(await isRepeat())) {
    throw validationFailed(
      unknown.map((at) => ({
        field: `ssh_key_ids.${at}`,
        message: 'is none of your keys: GET /api/v1/ssh-keys lists them',
      })),
    );
  }
  return [...known.values()];
}
