import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { findJob, insertJob } from '../../src/db/jobs.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import type { JobOrder } from '../../src/domain/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { jobRecords } from '../support/job-records.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';

// All amounts were calculated by hand, in units of 10^-18 of a token. Hourly prices: 0.4 for a GPU, 0.013 for a core,
// 0.0021 for 1,024 MB.

let database: TestDatabase;
let records: ReturnType<typeof jobRecords>;
beforeAll(async () => {
  database = await freshDatabase();
  records = jobRecords(database.pool);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
  await put(0.4);
});

const put = (gpuPrice: number) =>
  putProvider(database.pool, {
    ...{ providerId: 'atlas', cpuCores: 64, memoryMb: 262_144, diskGb: 2_000, gpuPrice },
    capacity: { cpu_price_per_hour: 0.013, memory_price_per_gb_hr: 0.0021 },
  });

/** An order as the API stores it; it reserves more than the job costs. */
async function ordered(change: Partial<JobOrder>): Promise<{ order: JobOrder; sessionId: string }> {
  const sessionId = await putSession(database.pool, testWallet);
  const order = testOrder(change);
  await withTransaction(database.pool, async (tx) => {
    const reservedAmount = 10n ** 20n;
    const rest = { sessionId, requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount };
    await insertJob(tx, { ...order, ...rest });
    await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: reservedAmount });
  });
  return { order, sessionId };
}

async function money(jobId: string, sessionId: string) {
  const { rows } = await database.pool.query<Record<'price' | 'rate' | 'reserved' | 'held' | 'spent', string>>(
    `select j.price_per_hour::text as price, j.rate::text as rate, j.reserved_amount::text as reserved,
            s.reserved::text as held, s.spent::text as spent
       from jobs j, auth_sessions s where j.job_id = $1 and s.id = $2`,
    [jobId, sessionId],
  );
  return rows[0]!;
}

const startedAt = Date.UTC(2026, 10, 25, 12);
async function run(order: JobOrder): Promise<void> {
  await records.recordRunning(order, {
    ssh: { host: '203.0.113.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' },
    podUid: 'uid',
    startedAt: instantAt(startedAt),
    expiresAt: instantAt(startedAt + order.durationSeconds * 1_000),
  });
}
const end = (order: JobOrder, servedMs: number) =>
  records.releaseJob(order, {
    ...{ status: 'cancelled', message: sentence('cancelled by its owner') },
    endAt: instantAt(startedAt + servedMs),
  });

test.each([
  // 0.4 + 3 × 0.013 + 1,000/1,024 × 0.0021
  [{ gpuCount: 1, cpuCores: 3, memoryMb: 1_000 }, '441050781250000000', 0.44105078125],
  // 2 × 0.4 + 8 × 0.013 + 32 × 0.0021
  [{ gpuCount: 2, cpuCores: 8, memoryMb: 32_768 }, '971200000000000000', 0.9712],
  // 0.013 + 0.0021/1,024; above its share of no GPU, 1/64 of eight GPUs is more: 0.05
  [{ gpuCount: 0, cpuCores: 1, memoryMb: 1 }, '50000000000000000', 0.05],
  // 9 of 64 cores are 1.125 of eight GPUs, 0.45; the list price is higher: 0.4 + 9 × 0.013 + 0.0021
  [{ gpuCount: 1, cpuCores: 9, memoryMb: 1_024 }, '519100000000000000', 0.5191],
  // 32 of 64 cores are four of eight GPUs: 1.6, more than the list price 0.4 + 32 × 0.013 + 0.0021
  [{ gpuCount: 1, cpuCores: 32, memoryMb: 1_024 }, '1600000000000000000', 1.6],
  // Half of the memory is four GPUs, more than the list price 0.4 + 0.013 + 128 × 0.0021
  [{ gpuCount: 1, cpuCores: 1, memoryMb: 131_072 }, '1600000000000000000', 1.6],
  // 700 of 2,000 GB are 2.8 of eight GPUs; storage has no price of its own
  [{ gpuCount: 1, cpuCores: 1, memoryMb: 1_024, storageGb: 700 }, '1120000000000000000', 1.12],
] as [Partial<JobOrder>, string, number][])('an order of %p costs %s an hour', async (sizes, rate, pricePerHour) => {
  const [place] = await placementCandidates(database.pool, testOrder(sizes), withoutPrices, 1);
  expect(place).toMatchObject({ rate, pricePerHour });
});

describe('a job with one GPU, three cores and 1,000 MB', () => {
  const sizes = { gpuCount: 1, cpuCores: 3, memoryMb: 1_000 };

  test('a job for an hour reserves its hourly price, and after seven seconds costs seven seconds, rounded down', async () => {
    const { order, sessionId } = await ordered({ ...sizes, durationSeconds: 3_600 });
    expect(await records.placeJob(order)).toMatchObject({ pricePerHour: 0.44105078125, rate: '441050781250000000' });
    expect(await money(order.jobId, sessionId)).toEqual({
      price: '0.441050781250000000',
      rate: '441050781250000000',
      reserved: '441050781250000000',
      held: '441050781250000000',
      spent: '0',
    });
    await run(order);
    const shown = jobReplyOf((await findJob(database.pool, testWallet, order.jobId))!);
    expect(shown.price_per_hour).toBe(0.44105078125);
    await end(order, 7_000);
    // 0.44105078125 × 7 / 3,600 = 0.000857598741319444|4…
    expect(await money(order.jobId, sessionId)).toMatchObject({ held: '0', spent: '857598741319444' });
  });

  test('a job for seven seconds reserves seven seconds, rounded up, and costs a unit less', async () => {
    const { order, sessionId } = await ordered({ ...sizes, durationSeconds: 7 });
    await records.placeJob(order);
    expect(await money(order.jobId, sessionId)).toMatchObject({ reserved: '857598741319445', held: '857598741319445' });
    await run(order);
    await end(order, 60_000);
    expect(await money(order.jobId, sessionId)).toMatchObject({ held: '0', spent: '857598741319444' });
  });

  test('a job that is extended by half an hour reserves half its hourly price more, and pays for both', async () => {
    const { order, sessionId } = await ordered({ ...sizes, durationSeconds: 3_600 });
    await records.placeJob(order);
    await run(order);
    const extension = { order, requestId: 'longer', seconds: 1_800, maxDurationS: 86_400 };
    expect(await records.recordExtension(extension)).toEqual({ expiresAt: instantAt(startedAt + 5_400_000) });
    expect((await money(order.jobId, sessionId)).held).toBe('661576171875000000');
    await end(order, 86_400_000);
    expect(await money(order.jobId, sessionId)).toMatchObject({ held: '0', spent: '661576171875000000' });
  });

  test('a job keeps the price of its placement, whatever its provider asks later', async () => {
    const { order, sessionId } = await ordered({ ...sizes, durationSeconds: 3_600 });
    await records.placeJob(order);
    await put(4);
    await run(order);
    const extension = { order, requestId: 'longer', seconds: 3_600, maxDurationS: 86_400 };
    await records.recordExtension(extension);
    expect((await money(order.jobId, sessionId)).held).toBe('882101562500000000');
    await end(order, 7_200_000);
    expect(await money(order.jobId, sessionId)).toMatchObject({ spent: '882101562500000000' });
  });

  test('a job that was never ready costs nothing', async () => {
    const { order, sessionId } = await ordered({ ...sizes, durationSeconds: 3_600 });
    await records.placeJob(order);
    await end(order, 1_800_000);
    expect(await money(order.jobId, sessionId)).toMatchObject({ held: '0', spent: '0' });
  });

  test('a job pays nothing for the time in which it was not served', async () => {
    const { order, sessionId } = await ordered({ ...sizes, durationSeconds: 3_600 });
    await records.placeJob(order);
    await run(order);
    const gap = {
      from: instantAt(startedAt + 600_000),
      to: instantAt(startedAt + 1_500_000),
      cause: 'silent',
    } as const;
    await records.recordService({ jobId: order.jobId, message: '', gaps: [gap] });
    // A repeated gap changes nothing, and an empty one does not count.
    const again = { ...gap, to: instantAt(startedAt + 2_400_000) };
    const none = { ...gap, from: gap.to };
    await records.recordService({ jobId: order.jobId, message: '', gaps: [again, none] });
    await end(order, 2_400_000);
    // 25 of 60 minutes: 0.44105078125 × 5 / 12 = 0.183771158854166666|6…
    expect(await money(order.jobId, sessionId)).toMatchObject({ held: '0', spent: '183771158854166666' });
  });
});
