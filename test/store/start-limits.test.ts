import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { placeOrder } from '../../src/api/place-order.js';
import type { SessionPrincipal } from '../../src/auth/customers/principal.js';
import type { JobRequest } from '../../src/domain/job-request.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession } from '../support/fleet.js';
import type { ErrorCode } from '../../src/wire/error-codes.js';

let database: TestDatabase;
const config = testConfig({ MAX_STARTING_JOBS_PER_WALLET: 5, MAX_UNREADY_STARTS_PER_HOUR: 3 });
beforeAll(async () => {
  database = await freshDatabase();
  await putProvider(database.pool, { providerId: 'prov-starts', gpus: { model: 'NVIDIA H100', count: 64 } });
});
afterAll(() => database?.close());

async function newCustomer(): Promise<SessionPrincipal> {
  const wallet = `0x${randomBytes(20).toString('hex')}`;
  const sessionId = await putSession(database.pool, wallet);
  return { wallet, sessionId } as SessionPrincipal;
}

const request: JobRequest = {
  ...{ gpuCount: 1, cpuCores: 1, memoryMb: 1_024, storageGb: 1, image: 'docker.io/library/debian:12' },
  ...{ durationSeconds: 3_600, sshPublicKeys: [], env: {} },
};
const place = async (customer: SessionPrincipal, key?: string) =>
  (await placeOrder({ pool: database.pool, config }, customer, request, key)).job.jobId;

interface Ended {
  minutesAgo: number;
  reason?: ErrorCode;
  change?: string;
  /** Its failure is held against its machine. */
  held?: boolean;
  /** The machines that it left. */
  left?: string[];
}

/** A start that ended this long ago: placed and never ready, unless `change` says otherwise. */
async function ended(
  { wallet }: SessionPrincipal,
  { minutesAgo, reason, change, held, left = [] }: Ended,
): Promise<void> {
  const jobId = randomUUID();
  await database.pool.query(
    `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                       provider_id, status, failure_reason, ended_at)
     values ($1, $2, '', '', 1, 1, 1, 1, 60, 'prov-starts', $3, $4, now() - make_interval(mins => $5))`,
    [jobId, wallet, reason === undefined ? 'cancelled' : 'failed', reason ?? null, minutesAgo],
  );
  await database.pool.query(
    `insert into allocations (job_id, provider_id, wallet, node_name, gpu_count, released_at, failed_at)
     values ($1, 'prov-starts', $2, 'node', 0, now(), $3)`,
    [jobId, wallet, left],
  );
  if (held === true) {
    await database.pool.query(
      `insert into provider_failures (job_id, attempt, provider_id, wallet, reason) values ($1, 1, 'prov-starts', $2, $3)`,
      [jobId, wallet, reason],
    );
  }
  if (change !== undefined) await database.pool.query(`update jobs set ${change} where wallet = $1`, [wallet]);
}

test('a wallet has a few jobs at a time that are not ready, and as many ready ones as its quota allows', async () => {
  const customer = await newCustomer();
  for (let at = 0; at < 5; at++) await place(customer);
  await expect(place(customer)).rejects.toMatchObject({ code: 'quota_exceeded' });
  await database.pool.query(
    `update jobs set status = 'running', started_at = now(), expires_at = now() where job_id =
       (select job_id from jobs where wallet = $1 limit 1)`,
    [customer.wallet],
  );
  await place(customer, 'the last');
  // A repeated order does not count again.
  await place(customer, 'the last');
});

test('after three starts within an hour that failed by the customer’s doing, the next one waits until the hour is over', async () => {
  const customer = await newCustomer();
  await ended(customer, { minutesAgo: 50 });
  await ended(customer, { minutesAgo: 40, reason: 'image_pull_failed' });
  await place(customer);
  await ended(customer, { minutesAgo: 30, reason: 'container_exited' });
  const refusal = await place(customer).then(
    () => undefined,
    (error: unknown) => error as { code: string; detail: string; extra: { retry_after_s: number } },
  );
  expect(refusal).toMatchObject({ code: 'rate_limited' });
  expect(refusal!.detail).toContain('before they were ready');
  expect(refusal!.extra.retry_after_s).toBeGreaterThan(590);
  expect(refusal!.extra.retry_after_s).toBeLessThanOrEqual(600);
  await database.pool.query(
    `update jobs set ended_at = ended_at - interval '10 minutes' where wallet = $1 and ended_at is not null`,
    [customer.wallet],
  );
  await place(customer);
  // Nobody else has to wait.
  await place(await newCustomer());
});

test.each<[string, Parameters<typeof ended>[1]]>([
  ['through the fault of their providers', { minutesAgo: 5, reason: 'start_timeout', held: true }],
  ['for want of capacity', { minutesAgo: 5, reason: 'no_capacity' }],
  ['for want of capacity after one machine', { minutesAgo: 5, reason: 'no_capacity', left: ['one'] }],
  [
    'with the loss of their provider',
    { minutesAgo: 5, change: `status = 'provider_lost', failure_reason = 'provider_lost'` },
  ],
  ['before they were placed anywhere', { minutesAgo: 5, change: 'provider_id = null' }],
  ['after they had been ready', { minutesAgo: 5, change: 'started_at = ended_at' }],
])('starts that ended %s are not held against a customer', async (_, end) => {
  const customer = await newCustomer();
  for (let at = 0; at < 6; at++) await ended(customer, end);
  await place(customer);
});

test.each<[string, Parameters<typeof ended>[1]]>([
  ['whose ports nobody reached', { minutesAgo: 5, reason: 'ports_unreachable' }],
  ['whose ports nobody reached, on one machine', { minutesAgo: 5, reason: 'ports_unreachable', held: true }],
  ['that were not ready in time', { minutesAgo: 5, reason: 'start_timeout' }],
  [
    'for which no machine was left after two',
    { minutesAgo: 5, reason: 'no_capacity', left: ['one', 'two'], change: 'provider_id = null' },
  ],
])('starts %s count, because what was ordered may have caused that', async (_, end) => {
  const customer = await newCustomer();
  for (let at = 0; at < 3; at++) await ended(customer, end);
  await expect(place(customer)).rejects.toMatchObject({ code: 'rate_limited' });
});
