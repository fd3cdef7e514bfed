import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { allocate } from '../../src/db/allocations.js';
import { whyNobodyTakes } from '../../activities/no-capacity.js';
import { freeCapacity, offeredRates, placementCandidates } from '../../src/db/candidates.js';
import { withoutPrices } from '../../src/db/offers.js';
import {
  findOut,
  forgive,
  pruneDoubts,
  pruneFailures,
  recordDoubt,
  recordFailure,
  recordStart,
} from '../../src/db/provider-failures.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder } from '../support/fleet.js';
import { freeGpus } from '../support/free-gpus.js';

let database: TestDatabase;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await pool().query('truncate allocations, providers cascade');
  await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
  await putProvider(pool(), { providerId: 'dear', gpuPrice: 2 });
});

const policy = { PROVIDER_OUT_WALLETS: 3, PROVIDER_OUT_S: 600, CLUSTER_NODE_PORTS: 12_768 };
const wallet = (digit: number) => `0x${String(digit).repeat(40)}`;
const fails = (digit: number, jobId: string = randomUUID(), providerId = 'cheap') =>
  recordFailure(pool(), { jobId, attempt: 1, providerId, wallet: wallet(digit), reason: 'unschedulable' }, policy);
const first = async () =>
  (await placementCandidates(pool(), testOrder(), withoutPrices, 5)).map(({ providerId }) => providerId);
const secondsOut = async () => ((await findProvider(pool(), 'cheap'))!.outUntil!.getTime() - Date.now()) / 1000;
/** Ends the time for which it is out. */
const timePasses = () => pool().query('update provider_starts set out_until = now(), counted_from = clock_timestamp()');

test('failures for three wallets take a provider out, visibly, and it comes back after a time', async () => {
  expect([await fails(1), await fails(2)]).toEqual([undefined, undefined]);
  expect(await first()).toEqual(['cheap', 'dear']);
  expect(await fails(3)).toMatchObject({ outUntil: expect.any(Date), isNew: true });
  expect(await first()).toEqual(['dear']);
  expect(await findProvider(pool(), 'cheap')).toMatchObject({ outReason: 'unschedulable' });
  expect((await freeGpus(pool(), {})).find(({ providerId }) => providerId === 'cheap')!.canCreateJob).toBe(false);
  expect(await freeCapacity(pool(), {}, withoutPrices)).toMatchObject([{ available_gpus: 8 }]);
  expect(await whyNobodyTakes(pool(), testOrder({ providerId: 'cheap' }), withoutPrices)).toMatch(/failed to start/);
  await timePasses();
  expect(await first()).toEqual(['cheap', 'dear']);
});

test('after a failed start its customer’s next order goes elsewhere, whoever was at fault, and other customers’ orders do not', async () => {
  await putProvider(pool(), { providerId: 'as-good', gpuPrice: 0.6 });
  const of = async (digit: number) =>
    (await placementCandidates(pool(), testOrder({ wallet: wallet(digit) }), withoutPrices, 5)).map(
      ({ providerId }) => providerId,
    );
  await recordDoubt(pool(), wallet(1), 'cheap');
  await recordDoubt(pool(), wallet(1), 'cheap');
  await recordDoubt(pool(), wallet(1), 'nobody');
  expect(await of(1)).toEqual(['as-good', 'cheap', 'dear']);
  expect(await of(2)).toEqual(['cheap', 'as-good', 'dear']);
  // Its price does not affect the price bound of the others.
  expect(await offeredRates(pool(), testOrder({ wallet: wallet(1) }), withoutPrices, 5)).toMatchObject([
    { hasFailed: false },
    { hasFailed: true },
    { hasFailed: false },
  ]);
  expect(await pruneDoubts(pool(), new Date(Date.now() - 60_000))).toBe(0);
  await pool().query(`update provider_doubts set failed_at = now() - interval '61 minutes'`);
  expect(await of(1)).toEqual(['cheap', 'as-good', 'dear']);
  expect(await pruneDoubts(pool(), new Date(Date.now() - 60_000))).toBe(1);
});

test('failures for one wallet only, and repeated reports of one failure, take no provider out', async () => {
  for (let count = 0; count < 10; count++) expect(await fails(1)).toBeUndefined();
  const jobId = randomUUID();
  for (const digit of [2, 3, 4]) expect(await fails(digit, jobId)).toBeUndefined();
  expect(await first()).toEqual(['cheap', 'dear']);
});

test('a provider is out for twice as long each further time, and a successful start resets this', async () => {
  for (const digit of [1, 2, 3]) await fails(digit);
  expect(await secondsOut()).toBeCloseTo(600, -1);
  await timePasses();
  for (const digit of [1, 2, 3]) await fails(digit);
  expect(await secondsOut()).toBeCloseTo(1_200, -1);
  await timePasses();
  const order = testOrder();
  await allocate(pool(), order, (await placementCandidates(pool(), testOrder(), withoutPrices, 1))[0]!);
  await recordStart(pool(), order.jobId);
  for (const digit of [1, 2, 3]) await fails(digit);
  expect(await secondsOut()).toBeCloseTo(600, -1);
});

test('a failure that is reported again is not counted again, and says again that the provider is out', async () => {
  const jobId = randomUUID();
  for (const digit of [1, 2]) await fails(digit);
  const told = await fails(3, jobId);
  expect(await fails(3, jobId)).toEqual({ ...told, isNew: false });
  expect(await secondsOut()).toBeCloseTo(600, -1);
});

test('failures while the provider is out do not prolong that, because those jobs were placed before', async () => {
  for (const digit of [1, 2, 3, 4, 5, 6]) await fails(digit);
  expect(await secondsOut()).toBeCloseTo(600, -1);
  await timePasses();
  for (const digit of [1, 2]) expect(await fails(digit)).toBeUndefined();
});

test('no more than half of the fleet is out at a time', async () => {
  for (const digit of [1, 2, 3]) await fails(digit);
  for (const digit of [1, 2, 3, 4]) expect(await fails(digit, randomUUID(), 'dear')).toBeUndefined();
  expect(await first()).toEqual(['dear']);
  // One more working provider does not make the fleet large enough; two more do.
  for (const providerId of ['third', 'fourth']) await putProvider(pool(), { providerId, gpuPrice: 3 });
  expect(await fails(5, randomUUID(), 'dear')).toMatchObject({ isNew: true });
  expect(await first()).toEqual(['third', 'fourth'].sort());
});

test('a failure of a provider that is gone is not an error', async () => {
  expect(await fails(1, randomUUID(), 'nobody')).toBeUndefined();
});

test('a provider that failed comes after others of about the same price for a day', async () => {
  await putProvider(pool(), { providerId: 'beside', gpuPrice: 0.55 });
  expect((await first())[0]).toBe('cheap');
  await fails(1);
  expect((await first())[0]).toBe('beside');
  await pool().query(`update provider_starts set failed_at = failed_at - interval '25 hours'`);
  expect((await first())[0]).toBe('cheap');
});

test('a provider whose last failures are long ago is out for the shortest time again', async () => {
  for (const digit of [1, 2, 3]) await fails(digit);
  await timePasses();
  await pool().query(`update provider_starts set failed_at = failed_at - interval '8 days'`);
  for (const digit of [1, 2, 3]) await fails(digit);
  expect(await secondsOut()).toBeCloseTo(600, -1);
});

test('an operator forgives failures, and old failures are forgotten', async () => {
  for (const digit of [1, 2, 3]) await fails(digit);
  expect(await findOut(pool(), 'cheap')).toEqual({ until: expect.any(Date), reason: 'unschedulable' });
  expect(await forgive(pool(), 'cheap')).toBe(true);
  expect(await findOut(pool(), 'cheap')).toBeUndefined();
  expect((await first())[0]).toBe('cheap');
  expect(await forgive(pool(), 'nobody')).toBe(false);
  expect(await pruneFailures(pool(), new Date(Date.now() + 1_000))).toBe(3);
});

test('an order goes to none of the providers that its customer excludes', async () => {
  const order = testOrder({ excludeProviders: ['cheap'] });
  const found = await placementCandidates(pool(), order, withoutPrices, 5);
  expect(found.map(({ providerId }) => providerId)).toEqual(['dear']);
});
