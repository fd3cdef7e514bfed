import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listAnyJobs } from '../../src/db/admin-jobs.js';
import { listAnyProviders } from '../../src/db/admin-providers.js';
import { listAudit } from '../../src/db/audit-log.js';
import { encodeCursor } from '../../src/db/cursor.js';
import { withoutPrices } from '../../src/db/offers.js';
import type { Queryable } from '../../src/db/pool.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  const { pool } = database;
  await pool.query(
    `insert into jobs (job_id, wallet, provider_id, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb,
                       duration_s, status, created_at, ended_at)
     select gen_random_uuid(), '0x' || lpad((n % 100)::text, 40, '0'), 'prov-' || n % 50, '', '', 0, 1, 1, 1, 1, 'failed',
            now() - make_interval(secs => n), now()
       from generate_series(1, 10000) n`,
  );
  await pool.query(
    `insert into audit_log (actor, ip, action, target, request_id)
     select '0x' || lpad((n % 100)::text, 40, '0'), '::1', 'provider.drain', 'prov-' || n % 50, 'r'
       from generate_series(1, 10000) n`,
  );
  await pool.query(
    `insert into providers (provider_id, wallet_addr, spec, capacity, offer, registration_at, registered_at)
     select 'prov-' || n, '0x' || lpad((n % 100)::text, 40, '0'), '{}', '{}', '{"gpus":[]}', now(), now() - make_interval(secs => n)
       from generate_series(1, 10000) n`,
  );
  await pool.query('analyze jobs, audit_log, providers');
});
afterAll(() => database?.close());

/** How Postgres runs the first statement that `list` asks for. */
async function planOf(list: (db: Queryable) => Promise<unknown>): Promise<string> {
  let asked: [string, unknown[]] | undefined;
  const db = {
    async query(...statement: [string, unknown[]]) {
      asked ??= statement;
      return { rows: [] };
    },
  };
  await list(db as unknown as Queryable);
  const [sql, values] = asked!;
  const { rows } = await database.pool.query<Record<string, string>>(`explain ${sql}`, values);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

const then = new Date().toISOString();
const id = '01a20000-0000-7000-8000-000000000000';
const wallet = `0x${'7'.padStart(40, '0')}`;
const limit = 50;

test.each<[string, string, (db: Queryable) => Promise<unknown>]>([
  ['jobs', 'jobs', (db) => listAnyJobs(db, { limit, cursor: encodeCursor(then, id) })],
  ['jobs of a wallet', 'jobs', (db) => listAnyJobs(db, { limit, wallet })],
  ['jobs of a provider', 'jobs', (db) => listAnyJobs(db, { limit, providerId: 'prov-7' })],
  ['changes', 'audit_log', (db) => listAudit(db, { limit, cursor: encodeCursor('9000') })],
  ['changes by somebody', 'audit_log', (db) => listAudit(db, { limit, actor: wallet })],
  ['changes of something', 'audit_log', (db) => listAudit(db, { limit, target: 'prov-7' })],
  [
    'providers',
    'providers',
    (db) => listAnyProviders(db, { limit, cursor: encodeCursor(then, 'prov-7') }, withoutPrices),
  ],
])('a page of %s among ten thousand is read from an index of %s', async (_what, table, list) => {
  const plan = await planOf(list);
  expect(plan).toMatch(new RegExp(`Index.* on ${table}`));
  expect(plan).not.toMatch(new RegExp(`Seq Scan on ${table}`));
});
