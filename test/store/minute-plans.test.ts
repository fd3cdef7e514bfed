import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { pruneRegistrations } from '../../src/db/registrations.js';
import { sweepHeartbeats } from '../../src/db/heartbeats.js';
import { liveAnswers, replacedTokensOf, usedTokens, tokensToRevoke } from '../../src/db/join-tokens.js';
import { liveJobs } from '../../src/db/jobs.js';
import { connectionOptions, type Queryable } from '../../src/db/pool.js';
import { openAmong, openJobIds, runningAmong, runningPods } from '../../src/db/reconcile-jobs.js';
import { differingProviders, leakedAllocations } from '../../src/db/reconcile-ledger.js';
import { pendingRegistration } from '../../src/db/reconcile-fleet.js';
import { forgetJoinTokens, forgetUnreadyJobs, idleTenants, uselessTokens } from '../../src/db/tidy.js';
import { pruneRevocations, pruneSessions, pruneTokens, pruneWallets } from '../../src/db/auth-pruning.js';
import { forgetClaims, forgetRevokedKeys, staleProviders } from '../../src/db/never-joined.js';
import { pruneFailures } from '../../src/db/provider-failures.js';
import { jobsHolding } from '../../src/db/allocations.js';
import { waitAfterUnreadyStarts } from '../../src/db/unready-starts.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { explained, scansOf, type Plan } from '../support/plans.js';

const endedJobs = 300_000;
const id = '00000000-0000-4000-8000-000000000000';
const wallet = `0x${'0'.repeat(39)}1`;
const asked = { providerId: 'prov-1', command: 'registration/2#0', wallet, signed: false };

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  // Filling the tables takes longer than the broker's statement timeout; the rows need no checks and no durability.
  const filling = new pg.Client(connectionOptions(database.config));
  await filling.connect();
  await filling.query('set session_replication_role = replica');
  for (const table of ['allocations', 'auth_charges', 'jobs']) await filling.query(`alter table ${table} set unlogged`);
  for (let at = 0; at < 20; at++) await putProvider(database.pool, { providerId: `prov-${at}` });
  const job = (open: boolean) => `
    insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                      provider_id, status, pod_uid, created_at, started_at, ended_at)
    select lpad(to_hex(${open ? 1_000_000 : 0} + n), 32, '0')::uuid, '0x' || lpad((n % 1000)::text, 40, '0'), '', '', 1, 1, 1, 1, 60, 'prov-' || n % 20,
           '${open ? 'running' : 'completed'}', 'uid', now() - interval '1 day', now() - interval '1 day',
           ${open ? 'null' : `now() - n * interval '1 second'`}
      from generate_series(1, $1) n`;
  await filling.query(job(false), [endedJobs]);
  await filling.query(job(true), [200]);
  await filling.query(
    `insert into allocations (job_id, provider_id, wallet, node_name, gpu_count, gpu_type, released_at)
     select job_id, provider_id, wallet, 'node', 1, 'rtx-4090', ended_at from jobs`,
  );
  await filling.query(
    `insert into join_tokens (token_id, provider_id, message_id, node_name, expires_at, deleted_at)
     select lpad(n::text, 6, '0'), 'prov-' || n % 20, 'message ' || n, 'node', now() - interval '1 day',
            case when n > 20 then now() end
       from generate_series(1, 100000) n`,
  );
  await filling.query(`insert into auth_wallets (wallet) select distinct wallet from jobs`);
  await filling.query(
    `insert into auth_sessions (id, wallet, session_key, chain_id, wallet_kind, scopes, spend_limit, spent, delegation,
                                signature, created_at, expires_at)
     select gen_random_uuid(), wallet, '0x' || lpad(to_hex(n), 40, '0'), 1, 'eoa', '{}', 10, 1, '{}', '', now(),
            now() - interval '1 year'
       from (select wallet, row_number() over () as n from auth_wallets cross join generate_series(1, 20)) w`,
  );
  await filling.query(
    `insert into auth_charges (job_id, session_id, reserved, spent, settled_at)
     select j.job_id, s.id, 1, 1, now()
       from jobs j join (select wallet, min(id::text)::uuid as id from auth_sessions group by wallet) s using (wallet)`,
  );
  await filling.query('vacuum analyze');
  await filling.end();
}, 300_000);
afterAll(() => database?.close());

const statements: [string, (db: Queryable) => Promise<unknown>][] = [
  ['open jobs', (db) => openJobIds(db, 30)],
  ['the next page of open jobs', (db) => openJobIds(db, 30, id)],
  ['which of some jobs are open', (db) => openAmong(db, [id])],
  ['pods that run', (db) => runningPods(db, 30)],
  ['the next page of pods that run', (db) => runningPods(db, 30, id)],
  ['which of some pods run', (db) => runningAmong(db, [id])],
  ['live jobs', (db) => liveJobs(db)],
  ['allocations of jobs that are over', (db) => leakedAllocations(db)],
  ['counters that differ', (db) => differingProviders(db)],
  ['jobs of a provider', (db) => jobsHolding(db, 'prov-1')],
  ['join tokens of no use', (db) => uselessTokens(db, 200)],
  ['join tokens to forget', (db) => forgetJoinTokens(db, new Date(0))],
  ['join tokens to revoke', (db) => tokensToRevoke(db, 'prov-1')],
  ['join tokens that a newer one replaces', (db) => replacedTokensOf(db, [{ providerId: 'prov-1', newest: '000001' }])],
  ['an answer that may be given again', (db) => liveAnswers(db, [asked])],
  ['join tokens that were used', (db) => usedTokens(db, 'prov-1')],
  ['the registration that waits for its node', (db) => pendingRegistration(db, 'prov-1')],
  ['tenants without jobs', (db) => idleTenants(db, [{ wallet, namespace: 'tenant-01' }], 3_600)],
  ['starts that came to nothing', (db) => waitAfterUnreadyStarts(db, wallet, 3)],
  ['registrations to forget', (db) => pruneRegistrations(db, new Date(0))],
  ['logins to forget', (db) => pruneTokens(db, new Date(0))],
  ['sessions to forget', (db) => pruneSessions(db, new Date())],
  ['wallets to forget', (db) => pruneWallets(db, new Date())],
  ['revocations to forget', (db) => pruneRevocations(db, new Date(0))],
  ['providers to forget', (db) => staleProviders(db, new Date(0), 200)],
  ['claims to forget', (db) => forgetClaims(db, new Date(0))],
  ['revoked keys to forget', (db) => forgetRevokedKeys(db, new Date(0))],
  ['failures to forget', (db) => pruneFailures(db, new Date(0))],
  ['jobs to forget', (db) => forgetUnreadyJobs(db, new Date())],
  ['the sweep', (db) => sweepHeartbeats(db, 90, new Date())],
];

test.each(statements)('%s are found without reading rows that are over', async (_, ask) => {
  const plans: Plan[] = [];
  await ask({ query: explained(database.pool, plans) } as Queryable);
  expect(plans).not.toEqual([]);
  expect(plans.flatMap((plan) => scansOf(plan, growing))).toEqual([]);
});

/** Tables that keep ended rows, in plans that read them completely. */
const growing = new Set(['jobs', 'allocations', 'join_tokens', 'auth_sessions', 'auth_charges']);
