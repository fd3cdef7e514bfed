import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  advanceMark,
  beginRestore,
  chargedUntil,
  endStepsPass,
  knownJobs,
  markPodsSeen,
  openRestore,
  readMark,
  recordKept,
  recordStepsPage,
  serverTimeline,
} from '../../src/db/restores.js';
import { namesThatLeft } from '../../src/db/provider-nodes.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testWallet } from '../support/fleet.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.close());

const left = () => namesThatLeft(database.pool, { withinDays: 400, limit: 100 });
const begin = (found: Partial<Parameters<typeof beginRestore>[1]> = {}) =>
  beginRestore(database.pool, { why: 'older', mark: 40, timeline: '00000002', leftNodes: [], ...found });

test('a database counts its marks, and keeps the timeline that its server had first', async () => {
  const { pool } = database;
  expect(await readMark(pool)).toEqual({ mark: 0 });
  expect(await serverTimeline(pool)).toMatch(/^[0-9A-F]{8}$/);
  expect([await advanceMark(pool, '00000001'), await advanceMark(pool, '00000009')]).toEqual([1, 2]);
  expect(await readMark(pool)).toEqual({ mark: 2, timeline: '00000001' });
});

test('a restore is open until an operator ends it, and then makes the database the newest again', async () => {
  const { pool } = database;
  await advanceMark(pool, '00000001');
  const { rows } = await pool.query<{ marked_at: Date }>('select marked_at from installation');
  await begin();
  expect(await readMark(pool)).toEqual({ mark: 41, timeline: '00000002' });
  const restore = await openRestore(pool);
  expect(restore).toMatchObject({ why: 'older', knownUntil: rows[0]!.marked_at, areStepsWritten: false });

  await recordKept(pool, restore!.id, [
    { jobId: randomUUID(), namespace: 'tenant-1', name: 'job-1', createdAt: new Date().toISOString(), workflow: false },
  ]);
  await endStepsPass(pool, restore!.id, restore!.foundAt);
  expect(await openRestore(pool)).toMatchObject({ areStepsWritten: true });
  // Found again before anybody has looked: it is the same one, complete only until the first.
  await advanceMark(pool, undefined);
  await begin({ mark: 50 });
  expect(await openRestore(pool)).toMatchObject({
    ...{ id: restore!.id, knownUntil: rows[0]!.marked_at, areStepsWritten: false },
  });

  await pool.query("select restore_is_over('0xoperator', 'nothing is missing')");
  expect(await openRestore(pool)).toBeUndefined();
  await expect(pool.query("select restore_is_over('0xoperator', 'again')")).rejects.toThrow('no restore is open');
});

test('a database that was never marked is known until the last heartbeat that it has, also when it is restored again', async () => {
  const { pool } = database;
  await putProvider(pool, { providerId: 'atlas' });
  await readMark(pool);
  const heard = new Date('2026-01-02T03:04:05.000Z');
  await pool.query(
    `insert into provider_heartbeats (provider_id, last_heartbeat) values ('atlas', $1)
     on conflict (provider_id) do update set last_heartbeat = excluded.last_heartbeat`,
    [heard],
  );
  await begin();
  expect(await openRestore(pool)).toMatchObject({ knownUntil: heard });
  await begin({ mark: 50 });
  expect(await openRestore(pool)).toMatchObject({ knownUntil: heard });
});

test('a restore of which nobody knows until when the database was complete stays one when it is restored again', async () => {
  const { pool } = database;
  await readMark(pool);
  await begin();
  expect(await openRestore(pool)).not.toHaveProperty('knownUntil');
  await begin({ mark: 50 });
  expect(await openRestore(pool)).not.toHaveProperty('knownUntil');
});

test('the end of what the database knows decides about pods only until all were seen, and again after the next restore', async () => {
  const { pool } = database;
  expect(chargedUntil(undefined)).toBeUndefined();
  await advanceMark(pool, '00000001');
  await begin();
  const first = (await openRestore(pool))!;
  expect(chargedUntil(first)).toEqual(first.knownUntil);
  await markPodsSeen(pool, first.id, first.foundAt);
  expect(chargedUntil(await openRestore(pool))).toBeUndefined();
  await begin({ mark: 50 });
  const second = (await openRestore(pool))!;
  expect(chargedUntil(second)).toEqual(first.knownUntil);
  expect(second.foundAt.getTime()).toBeGreaterThan(first.foundAt.getTime());
});

test('steps are written again page by page, and again from the first job if some have to be tried again', async () => {
  const { pool } = database;
  await advanceMark(pool, '00000001');
  await begin();
  const { id, foundAt } = (await openRestore(pool))!;
  const lastJobId = randomUUID();
  await recordStepsPage(pool, id, foundAt, { lastJobId, isWhole: false });
  await recordStepsPage(pool, id, foundAt, { lastJobId, isWhole: true });
  expect(await openRestore(pool)).toMatchObject({ areStepsWritten: false, stepsWrittenAfter: lastJobId });
  await endStepsPass(pool, id, foundAt);
  const again = await openRestore(pool);
  expect(again).toMatchObject({ areStepsWritten: false });
  expect(again).not.toHaveProperty('stepsWrittenAfter');
  await recordStepsPage(pool, id, foundAt, { lastJobId, isWhole: true });
  await endStepsPass(pool, id, foundAt);
  expect(await openRestore(pool)).toMatchObject({ areStepsWritten: true });
});

test('what was done for a restore counts no more when the database is restored again meanwhile', async () => {
  const { pool } = database;
  await advanceMark(pool, '00000001');
  await begin();
  const { id, foundAt } = (await openRestore(pool))!;
  await pool.query(`update restores set found_at = found_at - interval '1 minute'`);
  const before = new Date(foundAt.getTime() - 60_000);
  await begin({ mark: 50 });
  await endStepsPass(pool, id, before);
  await markPodsSeen(pool, id, before);
  expect(await openRestore(pool)).toMatchObject({ id, areStepsWritten: false, arePodsSeen: false });
});

test('a restored database learns from the cluster which nodes have left, and gives none of their names again', async () => {
  const { pool } = database;
  await pool.query(
    `insert into provider_nodes (node_name, provider_id, generation) values ('p-known-1', 'known', 1), ('p-stays-1', 'stays', 1)`,
  );
  await begin({ leftNodes: ['p-known-1', 'p-forgotten-1', 'p-forgotten-2'] });
  await begin({ leftNodes: ['p-known-1', 'p-forgotten-1', 'p-forgotten-2', 'p-forgotten-3'] });
  expect((await left()).sort()).toEqual(['p-forgotten-1', 'p-forgotten-2', 'p-forgotten-3', 'p-known-1']);
});

test('events after a restore have higher numbers than any client may have seen', async () => {
  const { pool } = database;
  const next = async () => {
    const { rows } = await pool.query<{ id: number }>(
      `insert into job_events (job_id, seq, wallet, kind, text) values ($1, 1, $2, 'ordered', '') returning id`,
      [randomUUID(), testWallet],
    );
    return rows[0]!.id;
  };
  const before = await next();
  await begin();
  expect(await next()).toBeGreaterThan(before + 999_999);
});

test('an operator ends all sessions at once', async () => {
  const { pool } = database;
  await putSession(pool, testWallet);
  const { rows } = await pool.query<{ ended: number }>('select end_all_sessions() as ended');
  expect(rows[0]!.ended).toBe(1);
  expect((await pool.query('select from auth_sessions where revoked_at is null')).rowCount).toBe(0);
  expect((await pool.query('select from auth_wallets where logins_void_before is null')).rowCount).toBe(0);
});

test('a job of which the database has a row is known, whatever became of it', async () => {
  const { pool } = database;
  const [ended, never] = [randomUUID(), randomUUID()];
  await pool.query(
    `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                       status, ended_at)
     values ($1, $2, '', '', 0, 1, 1, 1, 1, 'failed', now())`,
    [ended, testWallet],
  );
  expect(await knownJobs(pool, [ended, never])).toEqual(new Set([ended]));
});
