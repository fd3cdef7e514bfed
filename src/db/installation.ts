import type { Pool } from 'pg';

interface Installation {
  id: string;
  tenantKey: Buffer;
  challengeKey: Buffer;
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

async function installation(pool: Pool): Promise<Installation> {
  const found = known.get(pool);
  if (found !== undefined) return found;
  await pool.query('insert into installation default values on conflict do nothing');
  const { rows } = await pool.query<{ id: string; tenant_key: Buffer; challenge_key: Buffer }>(
    'select id, tenant_key, challenge_key from installation',
  );
  const { id, tenant_key: tenantKey, challenge_key: challengeKey } = rows[0]!;
  const asked = { id, tenantKey, challengeKey };
  known.set(pool, asked);
  return asked;
}
