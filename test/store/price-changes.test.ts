import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { orderOfJob } from '../../src/db/job-row.js';
import { findJob } from '../../src/db/jobs.js';
import { findOffers } from '../../src/db/offer-reads.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import { changeOwnerPrices } from '../../src/db/provider-prices.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';
import { receiptSite } from '../support/receipts.js';
import { jobSteps, orderJob } from '../support/told-jobs.js';

let database: TestDatabase;
let sessionId: string;
let steps: ReturnType<typeof jobSteps>;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
  sessionId = await putSession(pool(), testWallet);
  steps = jobSteps(pool());
});
afterAll(() => database.close());
beforeEach(async () => {
  await pool().query('truncate jobs, allocations, auth_charges, providers cascade');
});

const hourMs = 3_600_000;
const token = 10n ** 18n;
const setPrices = (providerId: string, prices: object) =>
  withTransaction(pool(), (tx) =>
    changeOwnerPrices(tx, providerId, { prices: () => prices, by: testWallet }, withoutPrices),
  );

describe('a job that is placed', () => {
  test('keeps its rate and the platform’s share, in its extension and its bill, whatever becomes of the prices', async () => {
    await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.25 });
    const order = await orderJob(pool(), sessionId, { gpuType: 'rtx-4090' });
    const startedMs = Date.now() - hourMs;
    await steps.place(order);
    await steps.run(order, startedMs);
    // By the owner, then by the agent, and the share by the operator.
    await setPrices('atlas', { gpu: { 'rtx-4090': 9 } });
    await putProvider(pool(), { providerId: 'atlas', gpuPrice: 7, capacity: { storage_price_per_gb_hour: 3 } });
    const dearer = createJobRecordActivities({
      ...{ pool: pool(), logger: pino({ level: 'silent' }) },
      config: {
        ...receiptSite,
        ...withoutPrices,
        FEE_BPS: 1_000,
        PROVIDER_OUT_WALLETS: 3,
        PROVIDER_OUT_S: 600,
        CLUSTER_NODE_PORTS: 12_768,
      },
    });
    await dearer.recordExtension({ order, requestId: 'more', seconds: 7_200, maxDurationS: 360_000 });
    const { rows: charges } = await pool().query(
      'select reserved::text from auth_charges where job_id = $1 order by request_id',
      [order.jobId],
    );
    expect(charges).toEqual([{ reserved: `${token / 4n}` }, { reserved: `${token / 2n}` }]);
    await steps.end(order, startedMs + 2 * hourMs);
    const job = (await findJob(pool(), order.wallet, order.jobId))!;
    expect(job.money).toMatchObject({ rate: token / 4n, feeBps: 0, billedMs: 2 * hourMs, spent: token / 2n });
  });
});

test('an order that an earlier version wrote is placed within the maximum of its row', async () => {
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.25 });
  const order = await orderJob(pool(), sessionId, { gpuType: 'rtx-4090' });
  // Such a version knows neither quotes nor the share, and writes the price as a number.
  await pool().query('update jobs set max_price_per_hour = 0.2, requested_max_price = 0.2 where job_id = $1', [
    order.jobId,
  ]);
  const written = async () => orderOfJob((await findJob(pool(), order.wallet, order.jobId))!);
  await expect(steps.place(await written())).rejects.toMatchObject({ code: 'no_capacity' });
  await pool().query('update jobs set max_price_per_hour = 0.25 where job_id = $1', [order.jobId]);
  expect(await steps.place(await written())).toMatchObject({ rate: `${token / 4n}` });
});

describe('a price for disk', () => {
  const sized = testOrder({ gpuType: 'rtx-4090', gpuCount: 1, storageGb: 200 });
  const rate = async () => (await placementCandidates(pool(), sized, withoutPrices, 1))[0]?.rate;

  test('is the same in a placement and in the offers, by the agent, by the owner and by neither', async () => {
    const agent = { storage_price_per_gb_hour: '0.0005' };
    await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5, capacity: agent });
    const offered = async () => {
      const search = { order: sized, sort: 'price', limit: 1 } as const;
      return (await findOffers(pool(), search, withoutPrices)).offers[0]?.rate.toString();
    };
    const shown = async () => (await findProvider(pool(), 'atlas'))?.storagePricePerGbHour;
    expect([await rate(), await offered(), await shown()]).toEqual([`${(6n * token) / 10n}`, await rate(), 0.0005]);
    await setPrices('atlas', { storage_gb: 0.001 });
    expect([await rate(), await offered(), await shown()]).toEqual([`${(7n * token) / 10n}`, await rate(), 0.001]);
    // What the agent says next does not take the owner's place.
    await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5, capacity: agent });
    expect(await rate()).toBe(`${(7n * token) / 10n}`);
    await setPrices('atlas', { storage_gb: 0 });
    expect([await rate(), await offered(), await shown()]).toEqual([`${token / 2n}`, await rate(), 0]);
  });

  test('is enough for a machine to be sold', async () => {
    const site = { ALLOW_FREE_JOBS: false, GPU_DEFAULT_PRICES: [] };
    const isSold = async () => (await placementCandidates(pool(), sized, site, 1)).length === 1;
    await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0 });
    expect(await isSold()).toBe(false);
    await putProvider(pool(), {
      ...{ providerId: 'atlas', gpuPrice: 0 },
      capacity: { storage_price_per_gb_hour: 0.000001 },
    });
    expect(await isSold()).toBe(true);
  });

  test('goes with an offer of a version that does not know it', async () => {
    await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5, capacity: { storage_price_per_gb_hour: 1 } });
    // As such a version writes a registration: its columns, and an offer without the price.
    await pool().query(`update providers set offer = offer - 'storagePricePerGbHour' where provider_id = 'atlas'`);
    expect(await rate()).toBe(`${token / 2n}`);
  });
});
