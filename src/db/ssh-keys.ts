import type { Queryable } from './pool.js';

/** A public key that a wallet keeps to name in its orders. */
export interface SshKey {
  keyId: string;
  name: string;
  publicKey: string;
  fingerprint: string;
  createdAt: Date;
}

interface SshKeyRow {
  key_id: string;
  name: string;
  public_key: string;
  fingerprint: string;
  created_at: Date;
}

const columns = 'key_id, name, public_key, fingerprint, created_at';

const keyOf = (row: SshKeyRow): SshKey => ({
  keyId: row.key_id,
  name: row.name,
  publicKey: row.public_key,
  fingerprint: row.fingerprint,
  createdAt: row.created_at,
});

/** All keys of a wallet, by name. Their number is bounded when they are added. */
export async function listSshKeys(db: Queryable, wallet: string): Promise<SshKey[]> {
  const { rows } = await db.query<SshKeyRow>(`select ${columns} from ssh_keys where wallet = $1 order by name`, [
    wallet,
  ]);
  return rows.map(keyOf);
}

/** Those of a wallet's keys that have one of these ids. */
export async function findSshKeys(db: Queryable, wallet: string, keyIds: readonly string[]): Promise<SshKey[]> {
  const { rows } = await db.query<SshKeyRow>(
    `select ${columns} from ssh_keys where wallet = $1 and key_id = any ($2::uuid[])`,
    [wallet, keyIds],
  );
  return rows.map(keyOf);
}

export async function insertSshKey(tx: Queryable, wallet: string, key: Omit<SshKey, 'createdAt'>): Promise<SshKey> {
  const { rows } = await tx.query<SshKeyRow>(
    `insert into ssh_keys (key_id, wallet, name, public_key, fingerprint) values ($1, $2, $3, $4, $5)
     returning ${columns}`,
    [key.keyId, wallet, key.name, key.publicKey, key.fingerprint],
  );
  return keyOf(rows[0]!);
}

export async function renameSshKey(tx: Queryable, wallet: string, keyId: string, name: string): Promise<void> {
  await tx.query('update ssh_keys set name = $3 where wallet = $1 and key_id = $2', [wallet, keyId, name]);
}

/** @returns the key as it was; undefined when the wallet has none with this id. */
export async function deleteSshKey(tx: Queryable, wallet: string, keyId: string): Promise<SshKey | undefined> {
  const { rows } = await tx.query<SshKeyRow>(
    `delete from ssh_keys where wallet = $1 and key_id = $2 returning ${columns}`,
    [wallet, keyId],
  );
  return rows[0] && keyOf(rows[0]);
}
