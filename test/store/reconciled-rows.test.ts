import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { knownAmong, knownProviders } from '../../src/db/reconcile-fleet.js';
import { openAmong, openJobIds, runningAmong, runningPods } from '../../src/db/reconcile-jobs.js';
import { differingProviders, leakedAllocations } from '../../src/db/reconcile-ledger.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { testWallet } from '../support/fleet.js';

/** More than two pages of jobs, and of providers. */
const [manyJobs, manyProviders] = [4_500, 2_300];

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  // All rows have one timestamp, which must not end a page.
  await database.pool.query(
    `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                       status, pod_uid, started_at, ended_at, created_at)
     select md5(n::text)::uuid, $1, '', '', 0, 1, 1, 1, 1,
            case n % 3 when 0 then 'pending' when 1 then 'running' else 'failed' end,
            case when n % 3 = 1 then 'pod-' || n end, case when n % 3 > 0 then now() - interval '1 minute' end,
            case when n % 3 = 2 then now() end, now() - interval '2 minutes'
       from generate_series(1, $2::int) n`,
    [testWallet, 3 * manyJobs],
  );
  await database.pool.query(
    `insert into providers (provider_id, wallet_addr, spec, capacity, offer, status, cordoned)
     select 'p-' || n, $1, '{}', '{}', '{"gpus": [{"count": 2}, {"count": 3}]}',
            case when n % 10 = 0 then 'retired' else 'offline' end, n % 10 = 0
       from generate_series(1, $2::int) n`,
    [testWallet, manyProviders],
  );
});
afterAll(() => database.close());

/** All pages, each requested from the last id on, with their sizes. */
async function pages<T>(ask: (after?: string) => Promise<T[]>, idOf: (row: T) => string) {
  const [all, sizes]: [string[], number[]] = [[], []];
  for (let page = await ask(); page.length > 0; page = await ask(all.at(-1))) {
    all.push(...page.map(idOf));
    sizes.push(page.length);
  }
  return { all, sizes };
}
const ids = async (status: string) => {
  const { rows } = await database.pool.query<{ id: string }>('select job_id as id from jobs where status = $1', [
    status,
  ]);
  return rows.map(({ id }) => id).sort();
};

test('every job that is not over is checked once, page by page', async () => {
  const { all, sizes } = await pages(
    (after) => openJobIds(database.pool, 60, after),
    (id) => id,
  );
  expect(sizes).toEqual([2_000, 2_000, 2_000, 2_000, 1_000]);
  expect([...all].sort()).toEqual([...(await ids('pending')), ...(await ids('running'))].sort());
  expect(await openJobIds(database.pool, 180)).toEqual([]);
  expect(await openAmong(database.pool, [all[0]!, (await ids('failed'))[0]!])).toEqual(new Set([all[0]]));
});

test('every job that has run for a while is compared with its pod once, page by page', async () => {
  const { all, sizes } = await pages(
    (after) => runningPods(database.pool, 30, after),
    ({ jobId }) => jobId,
  );
  expect(sizes).toEqual([2_000, 2_000, 500]);
  expect([...all].sort()).toEqual(await ids('running'));
  expect(await runningPods(database.pool, 90)).toEqual([]);
  const some = [(await ids('running'))[0]!, (await ids('pending'))[0]!, (await ids('failed'))[0]!];
  expect((await runningAmong(database.pool, some)).map(({ jobId }) => jobId)).toEqual([some[0]]);
});

test('every provider of the fleet is checked once, page by page, and no retired one', async () => {
  const { all, sizes } = await pages(
    (after) => knownProviders(database.pool, after),
    ({ providerId }) => providerId,
  );
  expect(sizes).toEqual([1_000, 1_000, 70]);
  const fleet = Array.from({ length: manyProviders }, (_, at) => at + 1).filter((n) => n % 10 !== 0);
  expect([...all].sort()).toEqual(fleet.map((n) => `p-${n}`).sort());
  const known = await knownAmong(database.pool, ['p-1', 'p-10', 'nobody']);
  expect([...known]).toMatchObject([['p-1', { status: 'offline', offeredGpus: 5, nodeReady: false }]]);
});

test('capacity held by a job that is over or was never ordered is found, and none of an open job', async () => {
  const held = async (jobId: string, released = false) =>
    await database.pool.query(
      `insert into allocations (job_id, provider_id, wallet, node_name, released_at)
       values ($1, 'p-1', $2, '', case when $3 then now() end)`,
      [jobId, testWallet, released],
    );
  const [over, alsoOver] = await ids('failed');
  const never = '00000000-0000-4000-8000-00000000dead';
  await held((await ids('running'))[0]!);
  await held((await ids('pending'))[0]!);
  await held(over!);
  await held(alsoOver!, true);
  await held(never);
  expect((await leakedAllocations(database.pool)).sort()).toEqual([over, never].sort());
  expect(await differingProviders(database.pool)).toEqual([]);
  await database.pool.query(
    `insert into provider_resources (provider_id, kind, total, target, rented) values ('p-1', 'cpu', 9, 9, 1), ('p-2', 'cpu', 9, 9, 0)`,
  );
  expect(await differingProviders(database.pool)).toEqual(['p-1']);
});
