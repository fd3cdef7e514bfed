import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createProviderSeriesActivities } from '../../activities/provider-series.js';
import { recordHeartbeats } from '../../src/db/heartbeats.js';
import { countEndings, noteOnline, pruneDays, reliabilitySql } from '../../src/db/provider-days.js';
import { noteSamples, pruneSamples, usageSeries } from '../../src/db/provider-samples.js';
import { newWallet } from '../support/api.js';
import { putBilledJob } from '../support/billed-jobs.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate providers, jobs, auth_charges cascade');
  await putProvider(database.pool, { providerId: 'atlas' });
});

/** So long that no test runs over its end. */
const slotS = 7 * 86_400;

const query = async <T extends object>(sql: string, ...values: unknown[]): Promise<T[]> =>
  (await database.pool.query<T>(sql, values)).rows;
const days = () =>
  query<{ observed_s: number; online_s: number }>('select observed_s, online_s from provider_days order by day');
/** As if the last slot had been noted a while ago. */
const later = () => query(`update provider_days set noted_at = noted_at - interval '10 minutes'`);
const reliability = async () => (await query(`select r.* from (${reliabilitySql("'atlas'")}) r`))[0];
const sendHeartbeat = (telemetry: object) =>
  recordHeartbeats(database.pool, [
    {
      providerId: 'atlas',
      atMs: Date.now() + 1_000,
      telemetry: telemetry as Parameters<typeof recordHeartbeats>[1][0]['telemetry'],
    },
  ]);

describe('the days of a provider', () => {
  test('a slot counts once, however often it is noted', async () => {
    await noteOnline(database.pool, slotS);
    await noteOnline(database.pool, slotS);
    expect(await days()).toEqual([{ observed_s: slotS, online_s: slotS }]);
    await later();
    await noteOnline(database.pool, slotS);
    expect(await days()).toEqual([{ observed_s: 2 * slotS, online_s: 2 * slotS }]);
  });

  test('a provider that is away loses the slot, and slots that nobody noted count for nobody', async () => {
    expect(await reliability()).toEqual({ online: null, lost_jobs: 0 });
    await noteOnline(database.pool, slotS);
    await query('update providers set heartbeat_alive = false');
    await later();
    await noteOnline(database.pool, slotS);
    expect(await reliability()).toEqual({ online: 0.5, lost_jobs: 0 });
  });

  test('a provider that its owner has taken out may be away, and one that has left or never came has no days', async () => {
    await query('update providers set heartbeat_alive = false, cordoned = true');
    await noteOnline(database.pool, slotS);
    await query(`update providers set heartbeat_alive = true, status = 'retired'`);
    await noteOnline(database.pool, slotS);
    await query(`update providers set status = 'pending', joined_at = null, cordoned = false`);
    await noteOnline(database.pool, slotS);
    expect(await days()).toEqual([]);
  });

  test('jobs that ended, failed to start in time or were lost are counted by their day, again with each run', async () => {
    const wallet = newWallet().address.toLowerCase();
    const sessionId = await putSession(database.pool, wallet);
    const hour = 3_600_000;
    for (const [ago, status] of [
      [1, 'cancelled'],
      [2, 'provider_lost'],
      [24 * 40, 'provider_lost'],
    ] as const) {
      const startedAt = new Date(Date.now() - ago * hour - 1_000);
      const endedAt = new Date(Date.now() - ago * hour);
      const { jobId } = await putBilledJob(database.pool, {
        wallet,
        sessionId,
        providerId: 'atlas',
        startedAt,
        endedAt,
        rate: 1n,
      });
      await query('update jobs set status = $2 where job_id = $1', jobId, status);
    }
    await query(
      `insert into provider_failures (job_id, attempt, provider_id, wallet, reason)
       select gen_random_uuid(), 1, 'atlas', $1, reason from unnest(array['start_timeout', 'pod_refused']) reason`,
      wallet,
    );
    await countEndings(database.pool);
    await countEndings(database.pool);
    const sums =
      'select sum(jobs)::int as jobs, sum(start_timeouts)::int as timeouts, sum(losses)::int as losses from provider_days';
    expect(await query(sums)).toEqual([{ jobs: 2, timeouts: 1, losses: 1 }]);
    expect(await reliability()).toEqual({ online: null, lost_jobs: 1 });
  });

  test('days are removed by their age', async () => {
    await query(
      `insert into provider_days (provider_id, day) select 'atlas', current_date - back from unnest(array[10, 399, 401]) back`,
    );
    expect(await pruneDays(database.pool, new Date(Date.now() - 400 * 86_400_000))).toBe(1);
    expect(await days()).toHaveLength(2);
  });
});

describe('the samples of a provider', () => {
  const samples = () => query('select gpu, cpu, memory, rented_gpus from provider_samples');

  test('a sample is the last heartbeat, once in a slot; without a heartbeat there is none', async () => {
    await sendHeartbeat({ gpu_usage: [100, 40], cpu_usage: 12.5, memory_usage: 30 });
    await noteSamples(database.pool, slotS);
    await noteSamples(database.pool, slotS);
    expect(await samples()).toEqual([{ gpu: 70, cpu: 12.5, memory: 30, rented_gpus: 0 }]);
    await query('delete from provider_samples');
    await query(`update provider_heartbeats set last_heartbeat = now() - interval '301 seconds'`);
    await noteSamples(database.pool, 300);
    expect(await samples()).toEqual([]);
  });

  test.each([
    ['more than all', { gpu_usage: [1e9], cpu_usage: 1e9, memory_usage: 101 }, { gpu: 100, cpu: 100, memory: 100 }],
    ['nothing of a GPU', { gpu_usage: [], cpu_usage: 1, memory_usage: 2 }, { gpu: null, cpu: 1, memory: 2 }],
    ['texts', { gpu_usage: 'all', cpu_usage: 'x', memory_usage: null }, { gpu: null, cpu: 0, memory: 0 }],
    ['too little', {}, { gpu: null, cpu: 0, memory: 0 }],
  ])('a machine that says %s does no harm', async (_, telemetry, expected) => {
    await sendHeartbeat(telemetry);
    await noteSamples(database.pool, 300);
    expect(await samples()).toEqual([{ ...expected, rented_gpus: 0 }]);
  });

  test('the series ends now, has a value for each step, and none where there was no sample', async () => {
    await query(
      `insert into provider_samples (provider_id, at, gpu, cpu, memory, rented_gpus)
       select 'atlas', date_bin('30 minutes', now(), 'epoch') + make_interval(mins => at), gpu, 10, 20, 1
         from (values (0, 50), (5, 71), (-60, 10), (-120, 99)) as s (at, gpu)`,
    );
    const series = await usageSeries(database.pool, 'atlas', { steps: 4, stepS: 1_800 });
    expect(series).toMatchObject({
      ...{ stepS: 1_800, gpu: [null, 10, null, 60.5], cpu: [null, 10, null, 10] },
      ...{ memory: [null, 20, null, 20], rentedGpus: [null, 1, null, 1] },
    });
    const agoMs = Date.now() - series.from.getTime();
    expect([agoMs >= 3 * 1_800_000, agoMs < 4 * 1_800_000]).toEqual([true, true]);
  });

  test('samples are removed by their age', async () => {
    await query(
      `insert into provider_samples (provider_id, at, cpu, memory, rented_gpus)
       select 'atlas', now() - make_interval(days => back), 0, 0, 0 from unnest(array[1, 29, 31]) back`,
    );
    expect(await pruneSamples(database.pool, new Date(Date.now() - 30 * 86_400_000))).toBe(1);
    expect(await samples()).toHaveLength(2);
  });
});

test('one run notes all of it, and removes what is too old', async () => {
  await sendHeartbeat({ gpu_usage: [1], cpu_usage: 2, memory_usage: 3 });
  await query(
    `insert into provider_samples (provider_id, at, cpu, memory, rented_gpus)
     select 'atlas', now() - interval '31 days' - make_interval(secs => back), 0, 0, 0 from generate_series(1, 5001) back`,
  );
  const { recordProviderSeries } = createProviderSeriesActivities({ pool: database.pool });
  expect(await recordProviderSeries()).toEqual({ online: 1, samples: 1, pruned: 5_001 });
  expect(await query('select from provider_samples')).toHaveLength(1);
});
