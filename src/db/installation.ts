import type { Pool } from 'pg';

interface Installation {
  id: string;
  tenantKey: Buffer;
  challengeKey: Buffer;
  quoteKey: Buffer;
  tokenKeys: Buffer[];
}

interface InstallationRow {
  id: string;
  tenant_key: Buffer;
  challenge_key: Buffer;
  quote_key: Buffer;
  token_keys: Buffer[];
}

/** The values never change, and keys are only added: so each process reads them once per database. */
const known = new WeakMap<Pool, Installation>();

/** The UUID of this installation, created on first use. Objects in the cluster carry it as a label. */
export async function installationId(pool: Pool): Promise<string> {
  return (await installation(pool)).id;
}

/** The secret key for hashing the names of tenants. It never leaves the broker's processes. */
export async function tenantKey(pool: Pool): Promise<Buffer> {
  return (await installation(pool)).tenantKey;
}

/** The secret key for sealing login challenges. It never leaves the broker's processes. */
export async function challengeKey(pool: Pool): Promise<Buffer> {
  return (await installation(pool)).challengeKey;
}

/** The secret key for sealing quotes. It never leaves the broker's processes. */
export async function quoteKey(pool: Pool): Promise<Buffer> {
  return (await installation(pool)).quoteKey;
}

/** The number of the newest key for tokens of jobs, which this process knows. */
export async function newestTokenKey(pool: Pool): Promise<number> {
  return (await installation(pool)).tokenKeys.length;
}

/**
 * A secret key for tokens of jobs. It never leaves the broker's processes.
 *
 * @param number of the key that a token was made with. Another process may have made it with one that this one has not
 * read yet.
 */
export async function tokenKey(pool: Pool, number: number): Promise<Buffer | undefined> {
  const { tokenKeys } = await installation(pool);
  if (number > tokenKeys.length) known.delete(pool);
  return (await installation(pool)).tokenKeys[number - 1];
}

async function installation(pool: Pool): Promise<Installation> {
  const found = known.get(pool);
  if (found !== undefined) return found;
  await pool.query('insert into installation default values on conflict do nothing');
  const { rows } = await pool.query<InstallationRow>(
    'select id, tenant_key, challenge_key, quote_key, token_keys from installation',
  );
  const { id, tenant_key: tenantKey, challenge_key: challengeKey, quote_key: key, token_keys: tokenKeys } = rows[0]!;
  const read = { id, tenantKey, challengeKey, quoteKey: key, tokenKeys };
  known.set(pool, read);
  return read;
}

/** Records which cluster this installation rents out. */
export async function recordCaHash(pool: Pool, caHash: string): Promise<void> {
  await installation(pool);
  await pool.query('update installation set ca_hash = $1 where ca_hash is distinct from $1', [caHash]);
}

/** `sha256:<hex>` of the key of the cluster's CA; undefined until a worker has started. */
export async function knownCaHash(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ ca_hash: string | null }>('select ca_hash from installation');
  return rows[0]?.ca_hash ?? undefined;
}
