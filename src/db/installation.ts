import type { Pool } from 'pg';

interface Installation {
  id: string;
  tenantKey: Buffer;
  challengeKey: Buffer;
}

/** It never changes, so each process asks once per database. */
const known = new WeakMap<Pool, Installation>();

/** The id of this installation, a UUID; made by whoever asks first. Objects in the cluster are labelled with it. */
export async function installationId(pool: Pool): Promise<string> {
  return (await installation(pool)).id;
}

/** By which the names of tenants are hashed. It leaves the processes of the broker for nowhere. */
export async function tenantKey(pool: Pool): Promise<Buffer> {
  return (await installation(pool)).tenantKey;
}

/** By which the challenges of logins are sealed. It leaves the processes of the broker for nowhere. */
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
