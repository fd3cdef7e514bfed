import type { Pool } from 'pg';

interface Installation {
  id: string;
  tenantKey: Buffer;
  challengeKey: Buffer;
  quoteKey: Buffer;
  observerKey: Buffer;
}

/** The values never change, so each process reads them once per database. */
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

/** The secret key from which each job's key for the broker is derived. It never leaves the broker's processes. */
export async function observerKey(pool: Pool): Promise<Buffer> {
  return (await installation(pool)).observerKey;
}

async function installation(pool: Pool): Promise<Installation> {
  const found = known.get(pool);
  if (found !== undefined) return found;
  await pool.query('insert into installation default values on conflict do nothing');
  const { rows } = await pool.query<Installation>(
    `select id, tenant_key as "tenantKey", challenge_key as "challengeKey", quote_key as "quoteKey",
            observer_key as "observerKey"
       from installation`,
  );
  const read = rows[0]!;
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
