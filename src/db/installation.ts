import type { Pool } from 'pg';

/** It never changes, so each process asks once per database. */
const known = new WeakMap<Pool, string>();

/** The id of this installation, a UUID; made by whoever asks first. Objects in the cluster are labelled with it. */
export async function installationId(pool: Pool): Promise<string> {
  const found = known.get(pool);
  if (found !== undefined) return found;
  await pool.query('insert into installation default values on conflict do nothing');
  const { rows } = await pool.query<{ id: string }>('select id from installation');
  const { id } = rows[0]!;
  known.set(pool, id);
  return id;
}
