import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { placeOrder } from '../../src/api/place-order.js';
import type { SessionPrincipal } from '../../src/auth/customers/principal.js';
import { refundJob } from '../../src/billing/refund.js';
import { allocate, vacate } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { announceExpiries } from '../../src/db/job-events.js';
import { orderOfJob } from '../../src/db/job-row.js';
import { findJob } from '../../src/db/jobs.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import { BrokerError } from '../../src/domain/errors.js';
import type { JobOrder } from '../../src/domain/job.js';
import type { JobRequest } from '../../src/domain/job-request.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testWallet } from '../support/fleet.js';
import { proveWallet } from '../support/money.js';
import { createRandom } from '../support/random.js';
import { rentals } from '../support/receipts.js';

let database: TestDatabase;
const pool = () => database.pool;
const config = testConfig({ MAX_JOBS_PER_WALLET: 1_000, MAX_GPUS_PER_WALLET: 1_000 });
const providers = ['atlas', 'borealis'];
beforeEach(async () => {
  database = await freshDatabase();
  for (const [at, providerId] of providers.entries()) {
    await putProvider(pool(), { providerId, gpuPrice: 0.5 + at / 4, gpus: { model: 'NVIDIA H100', count: 64 } });
  }
  await proveWallet(pool(), 'atlas', testWallet);
});
afterEach(() => database.close());

const request: JobRequest = {
  ...{ gpuCount: 1, cpuCores: 1, memoryMb: 1_024, storageGb: 1, image: 'docker.io/library/debian:12' },
  ...{ durationSeconds: 3_600, sshPublicKeys: [], env: {} },
};
const customer = async () =>
  ({ wallet: testWallet, sessionId: await putSession(pool(), testWallet) }) as SessionPrincipal;
const ordered = async (principal: SessionPrincipal, key?: string): Promise<JobOrder> => {
  const { job } = await placeOrder({ pool: pool(), config }, principal, request, key);
  return orderOfJob((await findJob(pool(), testWallet, job.jobId))!);
};
const deadlocks = async () =>
  (
    await pool().query<{ n: number }>(
      'select deadlocks::int as n from pg_stat_database where datname = current_database()',
    )
  ).rows[0]!.n;

test('orders, placements, moves, extensions, ends and refunds of one wallet at once never wait for each other in a circle', async () => {
  const sessions = [await customer(), await customer()];
  const { records, end } = rentals(pool());
  const ended: JobOrder[] = [];
  /** A whole life of a job, with the repeats of a Temporal that lost its answers. */
  async function life(random: ReturnType<typeof createRandom>): Promise<void> {
    const key = randomUUID();
    const [order] = await Promise.all([ordered(random.pick(sessions), key), ordered(sessions[0]!, key)]);
    const again = () => records.placeJob(order);
    let { providerId } = (await Promise.all([again(), again()]))[0];
    if (random.next() < 0.3) {
      const failure = { providerId, attempt: 1, reason: 'start_timeout', fault: 'possible' } as const;
      await records.leaveProvider(order, { ...failure, message: sentence('it was silent') });
      ({ providerId } = await records.placeJob(order, 2));
    }
    const startedMs = Date.now() - 3_000_000;
    const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
    const running = {
      ssh,
      podUid: 'uid',
      startedAt: instantAt(startedMs),
      expiresAt: instantAt(startedMs + 3_600_000),
    };
    await records.recordRunning(order, running);
    const extension = { order, requestId: 'longer', seconds: 600, maxDurationS: 86_400 };
    await Promise.all([
      records.recordExtension({ ...extension, sessionId: random.pick(sessions).sessionId }),
      records.recordExtension(extension).catch((error: unknown) => {
        if (!(error instanceof BrokerError)) throw error;
      }),
      announceExpiries(pool()),
      records.recordService({ jobId: order.jobId, message: sentence('away'), gaps: [] }),
    ]);
    const refund = { jobId: order.jobId, amount: 5n, reason: 'slow', by: testWallet, requestKey: 'early' };
    await Promise.all([
      records.recordEnding(order.jobId, sentence('ending')),
      end(order),
      end(order),
      withTransaction(pool(), (tx) => refundJob(tx, refund)).catch((error: unknown) => {
        // It came before the end.
        if (!(error instanceof BrokerError && error.code === 'refund_exceeds_charge')) throw error;
      }),
      ...ended
        .slice(-2)
        .map(({ jobId }) => withTransaction(pool(), (tx) => refundJob(tx, { ...refund, jobId, requestKey: 'late' }))),
    ]);
    ended.push(order);
  }
  await Promise.all(
    Array.from({ length: 5 }, async (_, n) => {
      const random = createRandom(n);
      for (let count = 0; count < 8; count++) await life(random);
    }),
  );
  expect(await deadlocks()).toBe(0);
  expect(await differingMoney(pool(), 'everything')).toEqual([]);
  const { rows } = await pool().query<{ open: number; settled: number; rented: number }>(
    `select (select count(*)::int from jobs where ended_at is null) as open,
            (select count(*)::int from ledger_entries where kind = 'settle') as settled,
            (select sum(rented)::int from provider_resources) as rented`,
  );
  expect(rows[0]).toEqual({ open: 0, settled: 40, rented: 0 });
}, 180_000);

test('a placement that is repeated after a lost answer stays where it is, although another machine is chosen by then', async () => {
  const order = await ordered(await customer());
  const found = await placementCandidates(pool(), order, withoutPrices, 5);
  const [atlas, borealis] = providers.map((id) => found.find(({ providerId }) => providerId === id)!);
  const trims = async () => {
    const { rows } = await pool().query<{ key: string }>(
      `select key from ledger_entries where job_id = $1 and kind = 'trim' order by id`,
      [order.jobId],
    );
    return rows.map(({ key }) => key.replace(order.jobId, 'J'));
  };
  expect(await allocate(pool(), order, atlas!)).toBe('allocated');
  const first = await trims();
  // The first answer was lost, and the next try found the other one better.
  expect(await allocate(pool(), order, borealis!)).toBe('held');
  expect(await trims()).toEqual(first);
  expect(await rentals(pool()).records.placeJob(order)).toMatchObject({ providerId: 'atlas' });
  await withTransaction(pool(), (tx) => vacate(tx, order.jobId, 1, sentence('it was silent')));
  // Both tries of the second placement at once, each at another machine: one of them books, under the one key.
  const outcomes = await Promise.all([
    allocate(pool(), order, borealis!, 2),
    allocate(pool(), order, atlas!, 2),
    allocate(pool(), order, atlas!, 1),
  ]);
  expect(outcomes.filter((outcome) => outcome === 'allocated')).toHaveLength(1);
  expect(outcomes[2]).toMatch(/^(held|released|taken)$/);
  expect((await trims()).filter((key) => !first.includes(key)).length).toBeLessThanOrEqual(1);
  expect((await trims()).filter((key) => !/^trim\/J\/[12]$/.test(key))).toEqual([]);
  const { rows } = await pool().query<{ reserved: string; held: string }>(
    `select c.reserved::text, trunc(a.price_per_hour * 1e18)::text as held
       from auth_charges c join allocations a using (job_id) where job_id = $1`,
    [order.jobId],
  );
  expect(rows[0]!.reserved).toBe(rows[0]!.held);
  expect(await differingMoney(pool(), 'everything')).toEqual([]);
});
