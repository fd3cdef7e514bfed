import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SitePrices } from '../../src/config.js';
import { gpuAvailability } from '../../src/db/gpu-availability.js';
import { gpuTypeParameters, isEnoughSql, isTypeSql } from '../../src/db/gpu-types.js';
import { findKeepers } from '../../src/db/keepers.js';
import { findOffers, type OfferSearch } from '../../src/db/offer-reads.js';
import { gpuPriceSql, isSoldSql, siteParameter } from '../../src/db/offers.js';
import { searchProviders } from '../../src/db/provider-reads.js';
import { selectProviders } from '../../src/db/provider-row.js';
import type { Database, Queryable } from '../../src/db/pool.js';
import { whyNobody } from '../../src/domain/why-not.js';
import type { TestDatabase } from '../support/database.js';
import { mixedFleet, orderAtRandom, sites, walkingOrNot } from '../support/mixed-fleet.js';
import { createRandom } from '../support/random.js';

/** Statements that read a part of the fleet answer what plain ones do, which read all of it. */
let database: TestDatabase;
beforeAll(async () => {
  database = await mixedFleet();
}, 300_000);
afterAll(() => database?.close());

const random = createRandom(12);
const pick = <T>(values: readonly T[]) => random.pick(values);

/** Pages from the first on, at most `most`. */
async function pagesOf<T>(
  read: (cursor: string | undefined) => Promise<{ rows: T[]; nextCursor?: string }>,
  most = Infinity,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < most; page++) {
    const { rows, nextCursor } = await read(cursor);
    found.push(...rows);
    if (nextCursor === undefined) break;
    cursor = nextCursor;
  }
  return found;
}

test('offers and quotes that are found along the prices of GPUs are those that are found among all', async () => {
  const walking = walkingOrNot(true, database.pool);
  const reading = walkingOrNot(false, database.pool);
  for (let round = 0; round < 40; round++) {
    const site = pick(sites);
    const search: OfferSearch = {
      order: orderAtRandom(random),
      ...pick([
        { sort: 'price', limit: 7 } as const,
        { sort: 'price', limit: 50 } as const,
        { sort: 'placement', limit: 8 } as const,
      ]),
      ...pick([{}, {}, { region: 'kr' }, { region: 'kr-3' }, { maxGpuPricePerHour: 0.35 }, { minReliability: 0.995 }]),
    };
    const read = async (db: Database) =>
      await pagesOf(
        async (cursor) => {
          const { offers, nextCursor } = await findOffers(
            db,
            { ...search, ...(cursor === undefined ? {} : { cursor }) },
            site,
          );
          return { rows: offers, ...(nextCursor === undefined ? {} : { nextCursor }) };
        },
        search.sort === 'placement' ? 1 : 3,
      );
    expect([search, site, await read(walking.db)]).toEqual([search, site, await read(reading.db)]);
  }
  expect(walking.whole.length).toBeLessThan(reading.whole.length / 2);
});

test('what keeps an order of one type out is found among that type, as it is found among all', async () => {
  let readAll = 0;
  const asking = (isTypeLookedAt: boolean) => {
    const query = async (text: string, values: unknown[]) => {
      const isKeepers = text.includes('as weight');
      const isOfType = isKeepers && !text.includes('and true)');
      if (isOfType && !isTypeLookedAt) return { rows: [] };
      if (isKeepers && !isOfType && isTypeLookedAt) readAll++;
      return await database.pool.query(text, values);
    };
    return { query } as unknown as Queryable;
  };
  const [walking, reading] = [asking(true), asking(false)];
  for (let round = 0; round < 40; round++) {
    const order = {
      ...orderAtRandom(random),
      ...pick([{ gpuCount: 99 }, { cpuCores: 5_000 }, { maxPricePerHour: 0.001 }, { minVramGb: 500 }]),
    };
    const site = pick(sites);
    const why = async (db: Queryable) => whyNobody(order, await findKeepers(db, order, site));
    expect([order, site, await why(walking)]).toEqual([order, site, await why(reading)]);
  }
  expect(readAll).toBeLessThan(30);
});

/** The list as one statement over all GPUs, which sorts them. */
async function allGpus(asked: Parameters<typeof gpuAvailability>[1], site: SitePrices) {
  const { rows } = await database.pool.query<{ provider_id: string; gpu_type: string; total: number; free: number }>(
    `select provider_id, r.name as gpu_type, r.total, r.total - r.rented as free
       from provider_resources r join providers p using (provider_id),
            lateral (select ${gpuPriceSql('r.price_per_hour', 'r.name', '$2')} as price) cost
      where r.kind = 'gpu' and p.joined_at is not null and ${isTypeSql('r', '$1', '$4', '$5')}
        and ${isEnoughSql('r', '$6', '$7')} and ($8::text is null or p.architecture = $8)
      order by ${isSoldSql('cost.price', '$3')} desc, cost.price, provider_id, r.name`,
    [
      (await gpuTypeParameters(database.pool, asked.gpuType))[0],
      ...[siteParameter(site), site.ALLOW_FREE_JOBS],
      ...(await gpuTypeParameters(database.pool, asked.gpuType)).slice(1),
      ...[asked.minVramGb ?? null, asked.minCuda ?? null, asked.architecture ?? null],
    ],
  );
  return rows;
}

test('pages of free GPUs have every GPU once and in order, with totals of all', async () => {
  await database.pool.query(`update providers set joined_at = null where provider_id like 'machine-7%'`);
  for (let round = 0; round < 24; round++) {
    const site = sites[round % sites.length]!;
    const asked = {
      ...pick([{}, {}, { gpuType: '4090' }, { gpuType: 'a100' }]),
      ...pick([{}, {}, { minVramGb: 40 }, { minCuda: 1_300 }, { architecture: 'arm64' as const }]),
    };
    const limit = pick([37, 100, 200]);
    const plain = await allGpus({ ...asked, limit }, site);
    const pages = await pagesOf(
      async (cursor) =>
        await gpuAvailability(database.pool, { ...asked, limit, ...(cursor === undefined ? {} : { cursor }) }, site),
    );
    const names = pages.map(({ providerId, gpuType, totalGpus, availableGpus }) => [
      providerId,
      gpuType,
      totalGpus,
      availableGpus,
    ]);
    expect([asked, limit, names]).toEqual([
      asked,
      limit,
      plain.map((row) => [row.provider_id, row.gpu_type, row.total, row.free]),
    ]);
    const first = await gpuAvailability(database.pool, { ...asked, limit }, site);
    const sum = (of: 'total' | 'free') => plain.reduce((all, row) => all + row[of], 0);
    expect([first.totalGpus, first.availableGpus]).toEqual([sum('total'), sum('free')]);
  }
});

test('a search finds what it finds when all of every provider is read before the page is taken', async () => {
  const sorts = {
    price: `${isSoldSql('r.gpu_price', '$3')} desc, r.gpu_price, p.provider_id`,
    available_gpus: 'r.free_gpus desc, p.provider_id',
    registered_at: 'p.registered_at, p.provider_id',
  };
  for (let round = 0; round < 24; round++) {
    const site = sites[round % sites.length]!;
    const sort = pick(['price', 'available_gpus', 'registered_at'] as const);
    const [limit, offset] = [pick([1, 50]), pick([0, 30, 1_400])];
    const { rows } = await database.pool.query<{ provider_id: string }>(
      `select provider_id from (${selectProviders}
        where p.status = 'available' and not p.cordoned and r.free_pods > 0 and (r.free_gpus > 0 or not r.has_gpus)
          and $3::boolean is not null
        order by ${sorts[sort]} limit $4 offset $5) found`,
      [null, siteParameter(site), site.ALLOW_FREE_JOBS, limit, offset],
    );
    const found = await searchProviders(database.pool, { sort, limit, offset }, site);
    expect([sort, found.map(({ providerId }) => providerId)]).toEqual([sort, rows.map((row) => row.provider_id)]);
  }
});
