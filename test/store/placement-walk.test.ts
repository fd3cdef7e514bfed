import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PoolClient } from 'pg';
import { placementCandidates } from '../../src/db/candidates.js';
import type { Queryable } from '../../src/db/pool.js';
import type { QuotedRate } from '../../src/domain/quote.js';
import type { TestDatabase } from '../support/database.js';
import { testOrder } from '../support/fleet.js';
import { grownProviderId } from '../support/grown-database.js';
import { fleet, mixedFleet, orderAtRandom, site, sites, walkingOrNot } from '../support/mixed-fleet.js';
import { poolOf } from '../support/pool-of-transaction.js';
import { createRandom } from '../support/random.js';

const random = createRandom(11);

let database: TestDatabase;
beforeAll(async () => {
  database = await mixedFleet();
}, 300_000);
afterAll(() => database?.close());

const asked = (isWalking: boolean, of: Queryable = database.pool) => walkingOrNot(isWalking, of);
const pick = <T>(values: readonly T[]) => random.pick(values);

test('the best machines are found by looking at the cheapest GPUs, as if all machines were read', async () => {
  const walking = asked(true);
  const reading = asked(false);
  for (let round = 0; round < 80; round++) {
    const order = orderAtRandom(random);
    const limit = pick([1, 8]);
    const quoted: QuotedRate[] = pick([
      [],
      [{ providerId: grownProviderId(1 + (round % fleet)), gpuType: 'rtx-4090', rate: 5n }],
    ]);
    const at = pick(sites);
    const found = await placementCandidates(walking.db, order, at, limit, quoted);
    const best = await placementCandidates(reading.db, order, at, limit, quoted);
    const figures = (places: typeof found) =>
      places.map(({ providerId, rate, gpuType }) => [providerId, gpuType, rate]);
    expect([order, at, figures(found)]).toEqual([order, at, figures(best)]);
  }
  expect(reading.whole).toHaveLength(80);
  expect(walking.whole.length).toBeLessThan(40);
});

/** Leaves the fleet as it is. */
async function rolledBack(work: (db: PoolClient) => Promise<void>): Promise<void> {
  const client = await database.pool.connect();
  try {
    await client.query('begin');
    await work(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test('a GPU without a price is found where its machine sells others, and an order pays for its share of that', async () => {
  await rolledBack(async (db) => {
    await db.query(`update provider_resources set price_per_hour = 0 where name = 'rtx-4090'`);
    await db.query('update providers set cpu_price_per_hour = 0, memory_price_per_gb_hour = 0');
    const at = { ...site, GPU_DEFAULT_PRICES: [] };
    for (const cpuCores of [4, 20]) {
      const order = testOrder({ gpuType: '4090', gpuCount: 1, cpuCores });
      const [found, best] = [
        await placementCandidates(asked(true, db).db, order, at, 8),
        await placementCandidates(asked(false, db).db, order, at, 8),
      ];
      expect(best).toHaveLength(cpuCores > 4 ? 8 : 0);
      expect(found).toEqual(best);
    }
  });
});

test('GPUs for which nobody has set a price are not looked at before those that are sold', async () => {
  await rolledBack(async (db) => {
    await db.query(`update provider_resources set price_per_hour = 0 where kind = 'gpu' and name <> 'h200-141gb'`);
    await db.query('update providers set cpu_price_per_hour = 0, memory_price_per_gb_hour = 0');
    const { db: walking, whole } = asked(true, db);
    const places = await placementCandidates(walking, testOrder({}), { ...site, GPU_DEFAULT_PRICES: [] }, 8);
    expect([places.length, new Set(places.map(({ gpuType }) => gpuType))]).toEqual([8, new Set(['h200-141gb'])]);
    expect(whole).toEqual([]);
  });
});

test('machines that are alike are filled one after the other, so that large orders find whole ones', async () => {
  await rolledBack(async (db) => {
    const { rows } = await db.query<{ provider_id: string }>(
      `select p.provider_id from providers p join provider_resources g using (provider_id)
       left join provider_starts s using (provider_id)
      where g.name = 'rtx-4090' and g.price_per_hour = 0.3 and p.cpu_price_per_hour = 0 and p.memory_price_per_gb_hour = 0
        and p.status = 'available' and not p.cordoned and p.architecture = 'amd64' and g.total = 8 and s.failed_at is null
        and not exists (select from provider_resources r where r.provider_id = p.provider_id and r.kind = 'pods' and r.total = r.rented)
      order by 1 limit 1`,
    );
    const fullest = rows[0]!.provider_id;
    await db.query(`update provider_resources set price_per_hour = 0.01, rented = total where name = 'rtx-4090'`);
    await db.query(
      `update provider_resources set rented = case when provider_id = $1 then total - 1 else 0 end where name = 'rtx-4090' and total = 8`,
      [fullest],
    );
    const [place] = await placementCandidates(poolOf(db), testOrder({ gpuType: '4090' }), site, 1);
    expect(place!.providerId).toBe(fullest);
  });
});

/** Machines that are alike in everything, as `alike`: all that have an RTX 4090, numbered from 1 on, each with 8 of them. */
async function makeAlike(db: Queryable): Promise<void> {
  await db.query(
    `create temporary table alike on commit drop as
     select provider_id, row_number() over (order by provider_id)::int as n
       from provider_resources where kind = 'gpu' and name = 'rtx-4090'`,
  );
  const all = 'provider_id in (select provider_id from alike)';
  await db.query(`delete from provider_starts where ${all}`);
  await db.query(`update provider_resources set rented = 0 where kind <> 'gpu' and ${all}`);
  await db.query(
    `update providers set cordoned = false, architecture = 'amd64', status = 'available', cpu_price_per_hour = 0,
                          memory_price_per_gb_hour = 0
      where ${all}`,
  );
}

const eighth = '(select provider_id from alike where n = 8)';
test.each<[string, { price: number; free: number; isLast?: boolean }, string]>([
  [
    'has failed before and is emptier than one that was not looked at',
    { price: 0.4, free: 8 },
    `insert into provider_starts (provider_id, failed_at, wallets) values (${eighth}, now(), 1)`,
  ],
  [
    'is as full as one that was not looked at, and comes behind it by its id',
    { price: 0.4, free: 2, isLast: true },
    `insert into provider_starts (provider_id, failed_at, wallets) values (${eighth}, now(), 1)`,
  ],
  [
    'costs the rest for its processor, and is emptier than one that was not looked at',
    { price: 0.4, free: 8 },
    `update providers set cpu_price_per_hour = 0.1 where provider_id = ${eighth}`,
  ],
])(
  'a machine that %s comes after that one, as their rank is the same',
  async (_, { price, free, isLast = false }, change) => {
    await rolledBack(async (db) => {
      await makeAlike(db);
      if (isLast)
        await db.query(
          'update alike set n = case n when 8 then (select max(n) from alike) else 8 end where n in (8, (select max(n) from alike))',
        );
      // The first look ends with the 64th: between it and the next one, which costs the same, it cannot decide by the price.
      await db.query(
        `update provider_resources r
          set total = 8, target = 8,
              price_per_hour = case when n < 8 then 0.2 when n = 8 then $1 when n < 66 then 0.5 else 0.6 end,
              rented = 8 - case when n < 8 then 1 when n = 8 then $2::int when n < 65 then 1 else 2 end
         from alike a where a.provider_id = r.provider_id and r.kind = 'gpu' and r.name = 'rtx-4090'`,
        [price, free],
      );
      await db.query(
        `update providers p set cordoned = true from alike a where a.provider_id = p.provider_id and n between 9 and 64`,
      );
      await db.query(change);
      const { rows } = await db.query<{ provider_id: string }>('select provider_id from alike where n = 65');
      const order = testOrder({ gpuType: '4090' });
      const places = async (isWalking: boolean) =>
        (await placementCandidates(asked(isWalking, db).db, order, site, 8)).map(({ providerId }) => providerId);
      const read = await places(false);
      expect(read[7]).toBe(rows[0]!.provider_id);
      expect(await places(true)).toEqual(read);
    });
  },
);
