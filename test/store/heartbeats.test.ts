import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { markSignalled, recordHeartbeats, sweepHeartbeats, type Beat } from '../../src/db/heartbeats.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { createRandom } from '../support/random.js';

let database: TestDatabase;
let providerId: string;
beforeAll(async () => {
  database = await freshDatabase();
});
beforeEach(async () => {
  await database.pool.query('delete from providers');
  providerId = newProviderId();
  await putProvider(database.pool, { providerId });
});
afterAll(() => database.close());

const newProviderId = () => `prov-${randomUUID().slice(0, 13)}`;

const telemetry = { status: 'available', node_name: 'n', gpu_usage: [], cpu_usage: 0, memory_usage: 0, active_jobs: 0 };
const beat = (id: string, agoS: number, cpu = 0): Beat => ({
  providerId: id,
  atMs: Date.now() - agoS * 1_000,
  telemetry: { ...telemetry, cpu_usage: cpu },
});
const lastHeardAgoS = (id: string, agoS: number) =>
  database.pool.query(
    `update provider_heartbeats set last_heartbeat = now() - make_interval(secs => $2) where provider_id = $1`,
    [id, agoS],
  );
const found = async () =>
  (await sweepHeartbeats(database.pool, 90, new Date())).map(({ providerId: id, alive }) => ({ id, alive }));
/** The version of a provider's row, which changes with every write. */
const version = async (id: string) =>
  (await database.pool.query<{ xmin: string }>('select xmin::text from providers where provider_id = $1', [id]))
    .rows[0]!.xmin;

test('an older heartbeat never replaces a newer one', async () => {
  await lastHeardAgoS(providerId, 3_600);
  expect(await recordHeartbeats(database.pool, [beat(providerId, 10, 2)])).toBe(1);
  expect(await recordHeartbeats(database.pool, [beat(providerId, 20, 1)])).toBe(0);
  const { rows } = await database.pool.query('select telemetry from provider_heartbeats where provider_id = $1', [
    providerId,
  ]);
  expect(rows[0]).toMatchObject({ telemetry: { cpu_usage: 2 } });
});

test('concurrent batches with the same providers end with the newest heartbeat of each', async () => {
  const fleet = [providerId, ...Array.from({ length: 60 }, newProviderId)];
  for (const id of fleet.slice(1)) await putProvider(database.pool, { providerId: id });
  for (const id of fleet) await lastHeardAgoS(id, 3_600);
  const batches = Array.from({ length: 60 }, (_, index) => {
    const beats = fleet.map((id) => beat(id, 120 - index, index));
    return index % 2 === 0 ? beats : beats.reverse();
  });
  // No deadlocks and no lost writes, in any order.
  const { next } = createRandom(60);
  const shuffled = batches.map((beats) => ({ beats, at: next() })).sort((a, b) => a.at - b.at);
  await Promise.all(shuffled.map(({ beats }) => recordHeartbeats(database.pool, beats)));
  const { rows } = await database.pool.query<{ cpu: number }>(
    `select (telemetry ->> 'cpu_usage')::int as cpu from provider_heartbeats`,
  );
  expect(rows.map(({ cpu }) => cpu)).toEqual(fleet.map(() => 59));
});

test('silence and return are found, and reported until the workflow was told', async () => {
  expect(await found()).toEqual([]);
  await lastHeardAgoS(providerId, 91);
  expect(await found()).toEqual([{ id: providerId, alive: false }]);
  await markSignalled(database.pool, providerId, false);
  expect(await found()).toEqual([]);
  await lastHeardAgoS(providerId, 1);
  expect(await found()).toEqual([{ id: providerId, alive: true }]);
  await markSignalled(database.pool, providerId, true);
  expect(await found()).toEqual([]);
});

test('a transition that was not signalled is found again', async () => {
  await lastHeardAgoS(providerId, 91);
  await found();
  expect(await found()).toEqual([{ id: providerId, alive: false }]);
});

test('a provider that changes again while its workflow is signalled is found again', async () => {
  await lastHeardAgoS(providerId, 91);
  await found();
  await lastHeardAgoS(providerId, 1);
  expect(await found()).toEqual([{ id: providerId, alive: true }]);
  // The signal of the first finding arrives late.
  await markSignalled(database.pool, providerId, false);
  expect(await found()).toEqual([{ id: providerId, alive: true }]);
});

test('a provider that has not joined cannot be lost', async () => {
  await lastHeardAgoS(providerId, 3_600);
  await database.pool.query('update providers set joined_at = null');
  expect(await found()).toEqual([]);
});

test('a sweep over a steady fleet writes nothing', async () => {
  await lastHeardAgoS(providerId, 1);
  const before = await version(providerId);
  await found();
  expect(await version(providerId)).toBe(before);
});

test('a provider whose row is locked is left to the next sweep', async () => {
  await lastHeardAgoS(providerId, 91);
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query('select from providers for update');
  expect(await found()).toEqual([]);
  await client.query('rollback');
  client.release();
  expect(await found()).toEqual([{ id: providerId, alive: false }]);
});

test('a thousand providers that go silent at once are found with the last heartbeat of each', async () => {
  await database.pool.query(
    `insert into providers (provider_id, wallet_addr, spec, capacity, offer, joined_at, heartbeat_alive)
     select 'many-' || i, '0x' || repeat('0', 40), '{}', '{}', '{}', now(), true from generate_series(1, 999) i`,
  );
  await database.pool.query(
    `insert into provider_heartbeats (provider_id, last_heartbeat)
     select provider_id, now() - interval '2 minutes' from providers where provider_id like 'many-%'`,
  );
  await lastHeardAgoS(providerId, 120);
  const transitions = await sweepHeartbeats(database.pool, 90, new Date());
  expect(new Set(transitions.map(({ providerId: id }) => id)).size).toBe(1_000);
  expect(transitions.every(({ alive, at }) => !alive && at < new Date(Date.now() - 90_000))).toBe(true);
});
