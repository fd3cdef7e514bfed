import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { pino } from 'pino';
import type { StartFailure } from '../../activities/job-outcome.js';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { findAllocation } from '../../src/db/allocations.js';
import { findJob, insertJob } from '../../src/db/jobs.js';
import { withoutPrices } from '../../src/db/offers.js';
import { createPool, withTransaction } from '../../src/db/pool.js';
import type { JobFailure, JobOrder } from '../../src/domain/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { closingsWithoutText, providersOut, startMoves } from '../../src/observability/metrics.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';
import { receiptSite } from '../support/receipts.js';

const token = 10n ** 18n;
const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
const secondsAgo = (seconds: number) => Date.now() - seconds * 1_000;

let database: TestDatabase;
let sessionId: string;
let records: ReturnType<typeof createJobRecordActivities>;
const recordsOf = (pool: Pool) =>
  createJobRecordActivities({
    pool,
    logger: pino({ level: 'silent' }),
    config: {
      ...withoutPrices,
      FEE_BPS: 0,
      ...receiptSite,
      PROVIDER_OUT_WALLETS: 1,
      PROVIDER_OUT_S: 600,
      CLUSTER_NODE_PORTS: 12_768,
    },
  });
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
  records = recordsOf(pool());
});
afterAll(() => database.close());
beforeEach(async () => {
  await pool().query('truncate allocations, providers cascade');
  await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
  await putProvider(pool(), { providerId: 'dear', gpuPrice: 2 });
  sessionId = await putSession(pool(), testWallet);
});

/** An order of one hour with this reservation. */
async function ordered(changes: Partial<JobOrder> = {}, reserved = token): Promise<JobOrder> {
  const order = testOrder(changes);
  await withTransaction(pool(), async (tx) => {
    const rest = { requestSha256: '', sshPublicKeys: [], env: { SECRET: 'x' }, reservedAmount: reserved };
    await insertJob(tx, { ...order, ...rest, sessionId });
    await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: reserved });
  });
  return order;
}

/** A job at half a token an hour whose SSH answered this many seconds ago. */
async function running(servedS: number): Promise<JobOrder & { startedMs: number }> {
  const order = await ordered();
  await records.placeJob(order);
  const startedMs = secondsAgo(servedS);
  await records.recordRunning(order, {
    ...{ ssh, podUid: 'uid-1', startedAt: instantAt(startedMs), expiresAt: instantAt(startedMs + 3_600_000) },
  });
  return { ...order, startedMs };
}

const row = ({ wallet, jobId }: JobOrder) => findJob(pool(), wallet, jobId);
async function account() {
  const { rows } = await pool().query<{ reserved: string; spent: string }>(
    'select reserved::text, spent::text from auth_sessions where id = $1',
    [sessionId],
  );
  return { reserved: BigInt(rows[0]!.reserved), spent: BigInt(rows[0]!.spent) };
}
/** A counter's value for a reason. */
async function counted(metric: typeof startMoves, reason: string): Promise<number> {
  const { values } = await metric.get();
  return values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
}
const failedAt = (providerId: string, rest: Partial<StartFailure> = {}): StartFailure => ({
  ...{ providerId, attempt: 1, reason: 'start_timeout', fault: 'possible' },
  ...rest,
});
const ended = { status: 'cancelled', message: sentence('cancelled by its owner') } as const;

describe('placing a job', () => {
  test('a job is placed at the cheapest machine, and a repeat finds it there although a cheaper one has come', async () => {
    const order = await ordered();
    expect(await records.placeJob(order)).toMatchObject({ providerId: 'cheap' });
    await putProvider(pool(), { providerId: 'cheapest', gpuPrice: 0.1 });
    expect(await records.placeJob(order)).toMatchObject({ providerId: 'cheap' });
    expect(await row(order)).toMatchObject({ status: 'provisioning', providerId: 'cheap', pricePerHour: 0.5 });
  });

  test('placing a job writes down the placement that an earlier version made and did not store', async () => {
    const order = await ordered();
    await records.placeJob(order);
    await pool().query(`update jobs set status = 'pending', provider_id = null where job_id = $1`, [order.jobId]);
    await records.placeJob(order);
    expect(await row(order)).toMatchObject({ status: 'provisioning', providerId: 'cheap' });
  });

  test('a job that nobody has room for ends with what was asked for, the customer’s price limit and the nearest there is', async () => {
    const order = await ordered({ gpuCount: 9, gpuType: 'rtx-4090', cpuCores: 3, maxPricePerHour: 1 });
    const refusal = records.placeJob(order);
    await expect(refusal).rejects.toMatchObject({
      code: 'no_capacity',
      detail:
        'no provider has 9 × RTX 4090, 3 cores, 1 GB of memory, 1 GB of disk free for at most 1 an hour: ' +
        'one provider has at most 8 such GPUs free, not 9; and the cheapest that fits costs 4.5 an hour, more than 1',
    });
  });

  test('a job without a price limit that nobody has room for ends without naming one', async () => {
    await expect(records.placeJob(await ordered({ gpuCount: 9, maxPricePerHour: 0 }))).rejects.toMatchObject({
      detail:
        'no provider has 9 × any GPU, 1 core, 1 GB of memory, 1 GB of disk free: one provider has at most 8 such GPUs free, not 9',
    });
  });

  test('a job that its machine has no room for ends with the name of the machine', async () => {
    await expect(records.placeJob(await ordered({ gpuCount: 9, providerId: 'dear' }))).rejects.toMatchObject({
      detail:
        'provider dear does not have 9 × any GPU, 1 core, 1 GB of memory, 1 GB of disk free: one provider has at most 8 such GPUs free, not 9',
    });
  });

  test('a placement that the session cannot pay for takes nothing and says so', async () => {
    const order = await ordered({}, token / 10n);
    await pool().query('update auth_sessions set spend_limit = reserved where id = $1', [sessionId]);
    await expect(records.placeJob(order)).rejects.toMatchObject({
      code: 'no_capacity',
      detail: expect.stringMatching(/: what is free costs more than the session has left$/),
    });
    expect(await findAllocation(pool(), order.jobId)).toBeUndefined();
  });

  test('a job that is placed again avoids providers that failed it or that its customer excludes, and names the former', async () => {
    await putProvider(pool(), { providerId: 'dearest', gpuPrice: 3 });
    const order = await ordered({ excludeProviders: ['dear'] }, 4n * token);
    await records.placeJob(order);
    await records.leaveProvider(order, { ...failedAt('cheap'), message: sentence('it was silent') });
    expect(await records.placeJob(order, 2)).toMatchObject({ providerId: 'dearest' });
    await records.leaveProvider(order, { ...failedAt('dearest', { attempt: 2 }), message: sentence('it, too') });
    await expect(records.placeJob(order, 3)).rejects.toMatchObject({
      code: 'no_capacity',
      detail: expect.stringMatching(/^no other provider has .*; cheap, dearest did not start the job$/),
    });
  });
});

describe('leaving a machine that does not start a job', () => {
  const message = sentence('it was silent');

  test('a job that leaves a machine tells its customer so, and gives back what it held', async () => {
    const order = await ordered();
    await records.placeJob(order);
    expect(await records.leaveProvider(order, { ...failedAt('cheap'), message })).toEqual({});
    expect(await row(order)).toMatchObject({
      status: 'pending',
      message: 'provider cheap did not start the job: it was silent',
    });
    expect(await findAllocation(pool(), order.jobId)).toBeUndefined();
  });

  test('a job that leaves a machine which is certainly at fault counts against it, and a repeat says again that it is out', async () => {
    const order = await ordered();
    await records.placeJob(order);
    const failure = { ...failedAt('cheap', { fault: 'certain', reason: 'image_pull_failed' }), message };
    expect(await records.leaveProvider(order, failure)).toEqual({ isOut: true });
    expect(await records.leaveProvider(order, failure)).toEqual({ isOut: true });
    // The alarms' metric counts it once, too.
    expect(await counted(startMoves, 'image_pull_failed')).toBe(1);
    expect(await counted(providersOut, 'image_pull_failed')).toBe(1);
    const { rows } = await pool().query('select reason, attempt from provider_failures where job_id = $1', [
      order.jobId,
    ]);
    expect(rows).toEqual([{ reason: 'image_pull_failed', attempt: 1 }]);
  });

  test('a job that leaves a machine sends the next order of its wallet elsewhere at about the same price, whoever was at fault', async () => {
    await putProvider(pool(), { providerId: 'near', gpuPrice: 0.6 });
    const order = await ordered();
    await records.placeJob(order);
    await records.leaveProvider(order, { ...failedAt('cheap'), message });
    expect(await records.placeJob(await ordered())).toMatchObject({ providerId: 'near' });
  });
});

describe('a job that can be reached', () => {
  test('a job that can be reached is stored with its address and its expiry', async () => {
    const job = await running(10);
    expect(await row(job)).toMatchObject({
      status: 'running',
      ssh,
      startedAt: new Date(job.startedMs),
      expiresAt: new Date(job.startedMs + 3_600_000),
    });
  });

  test('a job that can be reached ends the count of its machine’s earlier failures', async () => {
    const before = await ordered();
    await records.placeJob(before);
    await records.leaveProvider(before, { ...failedAt('cheap', { fault: 'certain' }), message: sentence('no') });
    await pool().query('update provider_starts set out_until = null');
    await pool().query('truncate provider_doubts');
    await running(10);
    const { rows } = await pool().query(`select failed_at, times_out from provider_starts where provider_id = 'cheap'`);
    expect(rows).toEqual([{ failed_at: null, times_out: 0 }]);
  });

  test('a running job tells its customer that the machine is away, and that it is back', async () => {
    const job = await running(10);
    await records.recordService({ jobId: job.jobId, message: sentence('it is away'), gaps: [] });
    expect(await row(job)).toMatchObject({ message: 'it is away' });
    await records.recordService({ jobId: job.jobId, message: '', gaps: [] });
    expect(await row(job)).toMatchObject({ message: '' });
  });
});

describe('the end of a job', () => {
  const at = (job: { startedMs: number }, seconds: number) => instantAt(job.startedMs + seconds * 1_000);

  test('a job costs the time that was served until its end was decided, to the base unit', async () => {
    const job = await running(1_800);
    await records.recordEnding(job.jobId, ended.message);
    expect(await row(job)).toMatchObject({ status: 'ending', message: ended.message });
    await records.releaseJob(job, { ...ended, endAt: at(job, 1_800) });
    // Half an hour at half a token.
    expect(await account()).toEqual({ reserved: 0n, spent: 250_000_000_000_000_000n });
    expect(await row(job)).toMatchObject({ status: 'cancelled', message: ended.message });
    expect(await findAllocation(pool(), job.jobId)).toBeUndefined();
  });

  test('a job whose end is reported again is not charged again', async () => {
    const job = await running(1_800);
    for (const seconds of [1_800, 3_000]) await records.releaseJob(job, { ...ended, endAt: at(job, seconds) });
    expect(await account()).toEqual({ reserved: 0n, spent: 250_000_000_000_000_000n });
  });

  test('a job is not paid for after its pod was gone', async () => {
    const job = await running(1_800);
    await records.releaseJob(job, { ...ended, endAt: at(job, 1_800), podEndedAt: at(job, 720) });
    expect(await account()).toEqual({ reserved: 0n, spent: 100_000_000_000_000_000n });
  });

  test('a job is not paid for after its machine was last heard', async () => {
    const job = await running(1_800);
    await records.releaseJob(job, { ...ended, endAt: at(job, 1_800), lastSeen: at(job, 360) });
    expect(await account()).toEqual({ reserved: 0n, spent: 50_000_000_000_000_000n });
  });

  test('a job is not paid for while its machine was away, whether the gap was stored before or comes with its end', async () => {
    const job = await running(1_800);
    const gap = (from: number, to: number) => ({ from: at(job, from), to: at(job, to), cause: 'silent' as const });
    await records.recordService({ jobId: job.jobId, message: '', gaps: [gap(0, 360)] });
    await records.releaseJob(job, { ...ended, endAt: at(job, 1_800), gaps: [gap(0, 360), gap(720, 1_080)] });
    expect(await account()).toEqual({ reserved: 0n, spent: 150_000_000_000_000_000n });
  });

  test('a job that ended keeps why it failed with the text for operators, and forgets its variables', async () => {
    const job = await running(10);
    const failure: JobFailure = {
      ...{ reason: 'container_exited', cause: 'out_of_memory' },
      ...{ message: sentence('it ran out'), words: sentence('OOMKilled by the kernel') },
    };
    await records.releaseJob(job, { status: 'failed', message: failure.message, failure, endAt: at(job, 10) });
    const { rows } = await pool().query(
      'select env, status, failure_reason, failure_cause, failure_message, failure_words from jobs where job_id = $1',
      [job.jobId],
    );
    expect(rows).toEqual([
      {
        ...{ env: {}, status: 'failed', failure_reason: 'container_exited', failure_cause: 'out_of_memory' },
        ...{ failure_message: 'it ran out', failure_words: 'OOMKilled by the kernel' },
      },
    ]);
  });

  test('a failure that no customer can cause is held against the machine', async () => {
    const order = await ordered();
    await records.placeJob(order);
    const told = { ...ended, endAt: instantAt(Date.now()) };
    expect(await records.releaseJob(order, { ...told, startFailure: failedAt('cheap', { fault: 'certain' }) })).toEqual(
      {
        isOut: true,
      },
    );
    expect(await account()).toEqual({ reserved: 0n, spent: 0n });
  });

  test('a machine is cleared by a job that was seen to run there, and by no other', async () => {
    const running = async (more: { isUnseen?: true }) => {
      const order = await ordered();
      await records.placeJob(order);
      await pool().query(
        `insert into provider_starts (provider_id, wallets) values ('cheap', 2)
         on conflict (provider_id) do update set wallets = 2`,
      );
      const [startedAt, expiresAt] = [instantAt(secondsAgo(10)), instantAt(secondsAgo(-3_600))];
      await records.recordRunning(order, { ssh, podUid: 'uid-1', startedAt, expiresAt, ...more });
      const { rows } = await pool().query('select wallets from provider_starts');
      return rows;
    };
    expect(await running({ isUnseen: true })).toEqual([{ wallets: 2 }]);
    expect(await running({})).toEqual([{ wallets: 0 }]);
  });

  test('a machine that was not reached is held to blame once the job runs elsewhere, or has ended', async () => {
    const unreached = failedAt('cheap', { reason: 'ports_unreachable', fault: 'certain' });
    const order = await ordered();
    await records.placeJob(order);
    const [startedAt, expiresAt] = [instantAt(secondsAgo(10)), instantAt(secondsAgo(-3_600))];
    const run = { ssh, podUid: 'uid-1', startedAt, expiresAt, unreached };
    expect(await records.recordRunning(order, run)).toEqual({ isOut: true });
    await pool().query('delete from provider_starts');
    const other = await ordered();
    const told = { ...ended, endAt: instantAt(Date.now()), unreached };
    expect(await records.releaseJob(other, told)).toEqual({ isUnreachedOut: true });
    const { rows } = await pool().query('select job_id, provider_id, reason from provider_failures order by failed_at');
    expect(rows).toEqual(
      [order, other].map(({ jobId }) => ({ job_id: jobId, provider_id: 'cheap', reason: 'ports_unreachable' })),
    );
  });

  test('a failure that its customer may have caused takes no machine out', async () => {
    const order = await ordered();
    await records.placeJob(order);
    const told = { ...ended, endAt: instantAt(Date.now()) };
    expect(await records.releaseJob(order, { ...told, startFailure: failedAt('cheap') })).toEqual({});
    const { rows } = await pool().query('select from provider_failures');
    expect(rows).toHaveLength(0);
  });

  test('the end of a job keeps its texts through an outage of the database, and is tried again', async () => {
    const job = await running(10);
    const away = createPool(database.config);
    await away.end();
    const before = (await closingsWithoutText.get()).values[0]!.value;
    const told = { ...ended, endAt: at(job, 10) };
    await expect(recordsOf(away).releaseJob(job, told)).rejects.toThrow();
    expect((await closingsWithoutText.get()).values[0]!.value).toBe(before);
    await records.releaseJob(job, told);
    expect(await row(job)).toMatchObject({ message: ended.message });
  });
});
