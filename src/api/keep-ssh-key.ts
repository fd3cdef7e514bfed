import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { lockWallet } from '../db/auth-sessions.js';
import { recordAudit, type AuditActor } from '../db/audit-log.js';
import { withTransaction } from '../db/pool.js';
import { insertSshKey, listSshKeys, renameSshKey, type SshKey } from '../db/ssh-keys.js';
import { BrokerError } from '../domain/errors.js';
import { validationFailed } from './problem.js';
import { maxNameLength } from './schemas/ssh-key.js';
import { sshFingerprint } from './ssh-fingerprint.js';

/** Many times as many as a person has machines. */
const maxKeys = 50;

/**
 * Keeps a public key for its wallet. A key that the wallet keeps already is answered as it is, under the new name where
 * one is given.
 *
 * @returns the key, and whether this call added it.
 * @throws BrokerError `quota_exceeded`; `validation_failed` for a name that another key of the wallet has.
 */
export async function keepSshKey(
  pool: Pool,
  actor: AuditActor,
  { name, publicKey }: { name?: string | undefined; publicKey: string },
): Promise<{ key: SshKey; added: boolean }> {
  const wallet = actor.actor;
  const fingerprint = sshFingerprint(publicKey);
  return await withTransaction(pool, async (tx) => {
    // Two requests at once must not exceed the quota together, nor take the same name.
    await lockWallet(tx, wallet);
    const keys = await listSshKeys(tx, wallet);
    const known = keys.find((key) => key.fingerprint === fingerprint);
    const taken = new Set(keys.filter((key) => key !== known).map((key) => key.name));
    if (name !== undefined && taken.has(name)) {
      throw validationFailed([{ field: 'name', message: 'another of your keys has this name' }]);
    }
    if (known !== undefined) {
      if (name === undefined || name === known.name) return { key: known, added: false };
      await renameSshKey(tx, wallet, known.keyId, name);
      await recordAudit(tx, { ...actor, action: 'ssh_key.rename', target: known.keyId, detail: { fingerprint, name } });
      return { key: { ...known, name }, added: false };
    }
    if (keys.length >= maxKeys) throw new BrokerError('quota_exceeded', `a wallet keeps ${maxKeys} keys: delete one`);
    const key = await insertSshKey(tx, wallet, {
      ...{ keyId: randomUUID(), publicKey, fingerprint },
      name: name ?? freeName(publicKey, fingerprint, taken),
    });
    await recordAudit(tx, {
      ...{ ...actor, action: 'ssh_key.add', target: key.keyId },
      detail: { fingerprint, name: key.name },
    });
    return { key, added: true };
  });
}

/**
 * The comment of a key, which people write as user@machine; with letters of its fingerprint where that is taken.
 *
 * @throws BrokerError `validation_failed` if all of these are taken.
 */
function freeName(publicKey: string, fingerprint: string, taken: ReadonlySet<string>): string {
  const letters = fingerprint.replace('SHA256:', '').replaceAll(/[^A-Za-z0-9]/g, '');
  const comment = publicKey.split(' ').slice(2).join(' ');
  const plain = comment === '' ? `key-${letters.slice(0, 8)}` : comment;
  const longer = `${plain.slice(0, maxNameLength - 17)}-${letters.slice(0, 16)}`;
  const free = [plain, longer, letters].find((name) => !taken.has(name));
  if (free !== undefined) return free;
  throw validationFailed([{ field: 'name', message: 'required: other keys of yours have the names that are left' }]);
}
