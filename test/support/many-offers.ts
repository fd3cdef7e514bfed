import type { Pool } from 'pg';
import { putProvider } from './fleet.js';

/** Adds many machines, each with one offer of another price, as copies of one that has registered. */
export async function putManyOffers(pool: Pool, count: number): Promise<void> {
  await putProvider(pool, { providerId: 'many-0', gpus: { model: 'NVIDIA GeForce RTX 4090', count: 4 } });
  const { rows } = await pool.query<{ names: string; copied: string }>(
    `select string_agg(column_name, ', ') as names, string_agg('copy.' || column_name, ', ') as copied
       from information_schema.columns
      where table_schema = current_schema() and table_name = 'providers' and is_generated = 'NEVER'`,
  );
  const { names, copied } = rows[0]!;
  await pool.query(
    `insert into providers (${names})
     select ${copied} from providers p, generate_series(1, $1::int - 1) n,
            jsonb_populate_record(p, jsonb_build_object('provider_id', 'many-' || n, 'node_name', 'many-' || n)) copy
      where p.provider_id = 'many-0'`,
    [count],
  );
  await pool.query(
    `insert into provider_resources
     select copy.* from provider_resources r, generate_series(1, $1::int - 1) n,
            jsonb_populate_record(r, jsonb_build_object('provider_id', 'many-' || n,
              'price_per_hour', case when r.kind = 'gpu' then round(0.4 + (n % 997) / 1000.0, 3) else r.price_per_hour end)) copy
      where r.provider_id = 'many-0'`,
    [count],
  );
  await pool.query(`analyze providers, provider_resources`);
}
