import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHmac, randomUUID } from 'node:crypto';
import { quoteKey } from '../../src/db/installation.js';
import { orderOfJob } from '../../src/db/job-row.js';
import { findJob } from '../../src/db/jobs.js';
import type { Session } from '../../src/client/session.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { jobRecords } from '../support/job-records.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
/** Two replicas. */
let api: Api;
let other: Api;
let session: Session;
/** Of the same wallet, at the other replica. */
let elsewhere: Session;

const never = () => Promise.reject(new Error('is not asked for'));
const commands = { jobs: { startAndWait: async () => 'still_starting' as const, cancel: never, extend: never } };
const env = { MAX_JOBS_PER_WALLET: '1000', MAX_STARTING_JOBS_PER_WALLET: '1000', MAX_GPUS_PER_WALLET: '1000' };

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  [api, other] = await Promise.all([
    startApi({ database, redis, env, commands }),
    startApi({ database, redis, env, commands }),
  ]);
  const account = newWallet();
  session = await api.login({ account, spendLimit: 10n ** 24n });
  elsewhere = await other.login({ account, spendLimit: 10n ** 24n });
});
afterAll(async () => {
  await Promise.all([api.stop(), other.stop()]);
  await Promise.all([database.close(), redis.close()]);
});
beforeEach(async () => {
  await pool().query('truncate jobs, allocations, auth_charges, providers cascade');
  await put('cheap', 0.5);
  await put('dear', 0.7);
});

const pool = () => database.pool;
const put = (providerId: string, gpuPrice: number, capacity = {}) =>
  putProvider(pool(), { providerId, gpuPrice, capacity, gpus: { model: 'RTX 4090', count: 8 } });
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const need = { gpu_type: 'RTX 4090', gpu_count: 2, duration_hours: 4 };
const unit = (tenths: number) => (BigInt(tenths) * 10n ** 17n).toString();

interface Quoted {
  quote_id: string;
  expires_at: string;
  [member: string]: unknown;
}
const quote = async (change: object = {}, who = session) =>
  (await who.request('POST', '/api/v1/quotes', { ...need, ...change })).body as Quoted;
/** Through the other replica: it has only the id of the quote. */
const send = async (body: object, who = elsewhere, headers = {}) => {
  const reply = await who.request('POST', '/api/v1/jobs', { ...need, ssh_public_keys: [sshKey], ...body }, headers);
  return { ...(reply.body as { job_id: string; code?: string; errors?: unknown }), status: reply.status };
};
/** The order's job, placed as its workflow does. */
async function placed(jobId: string, attempt = 1) {
  const { rows } = await pool().query<{ wallet: string }>('select wallet from jobs where job_id = $1', [jobId]);
  const job = (await findJob(pool(), rows[0]!.wallet, jobId))!;
  const { providerId, rate } = await jobRecords(pool()).placeJob(orderOfJob(job), attempt);
  return [providerId, rate];
}
const moneyOf = async (jobId: string) =>
  (
    await pool().query<{ bound: string; reserved: string; rate: string | null }>(
      `select trunc(max_price_per_hour * 1e18)::text as bound, reserved_amount::text as reserved, rate::text
         from jobs where job_id = $1`,
      [jobId],
    )
  ).rows[0]!;

describe('a quote of a known customer', () => {
  test('a quote binds for sixty seconds, or for as long as was asked for up to five minutes', async () => {
    const before = Date.now();
    expect(await quote()).toMatchObject({
      ...{ binding: true, can_start: true, quote_id: expect.stringMatching(/^[\w-]+\.[\w-]{43}$/) },
      ...{ rate_per_hour: unit(10), total: unit(40), cost: { expected: unit(40), at_most: unit(56) } },
      offers: [
        { provider_id: 'cheap', rate_per_hour: unit(10), total: unit(40) },
        { provider_id: 'dear', rate_per_hour: unit(14), total: unit(56) },
      ],
    });
    const lasts = async (change: object) => Date.parse((await quote(change)).expires_at) - before;
    expect(await lasts({})).toBeGreaterThanOrEqual(60_000);
    expect(await lasts({})).toBeLessThan(90_000);
    expect(await lasts({ valid_seconds: 300 })).toBeGreaterThanOrEqual(300_000);
    for (const seconds of [0, 301, 1.5, -1, 'soon']) {
      expect(await quote({ valid_seconds: seconds })).toMatchObject({
        ...{ code: 'validation_failed', errors: [{ field: 'valid_seconds' }] },
      });
    }
  });

  test('a quote of a stranger, or of what nobody has, binds nobody', async () => {
    const { json } = await api.send('POST', '/api/v1/quotes', { body: need });
    expect(json).toMatchObject({ can_start: true, binding: false, quote_id: null, expires_at: null });
    expect(await quote({ gpu_count: 9 })).toMatchObject({
      ...{ can_start: false, binding: false, quote_id: null, rate_per_hour: null, total: null },
    });
  });

  test('an order by a quote is placed at the quoted rate, although its owner raised the price in between', async () => {
    const { quote_id } = await quote();
    await put('cheap', 0.65);
    const { job_id, status } = await send({ quote_id });
    expect(status).toBe(202);
    expect(await moneyOf(job_id)).toEqual({ bound: unit(14), reserved: unit(56), rate: null });
    expect(await placed(job_id)).toEqual(['cheap', unit(10)]);
    expect(await moneyOf(job_id)).toEqual({ bound: unit(14), reserved: unit(40), rate: unit(10) });
    // Another order, without a quote, pays the present price.
    const plain = await send({});
    expect(await placed(plain.job_id)).toEqual(['cheap', unit(13)]);
  });

  test('one quote is good for several orders until it expires, each at the quoted rate and each with its reservation', async () => {
    const { quote_id } = await quote();
    const jobs = [await send({ quote_id }), await send({ quote_id })];
    expect(jobs.map(({ status }) => status)).toEqual([202, 202]);
    expect(jobs[0]!.job_id).not.toBe(jobs[1]!.job_id);
    await put('cheap', 0.9);
    for (const { job_id } of jobs) {
      expect(await placed(job_id)).toEqual(['cheap', unit(10)]);
      expect(await moneyOf(job_id)).toMatchObject({ rate: unit(10), reserved: unit(40) });
    }
  });

  test('an order by a quote is placed at the present rate where that is lower', async () => {
    const { quote_id } = await quote();
    await put('cheap', 0.2);
    expect(await placed((await send({ quote_id })).job_id)).toEqual(['cheap', unit(4)]);
  });

  test('an order goes to the quoted machines first, and to others within its bound once those are taken', async () => {
    const { quote_id } = await quote();
    await put('cheaper', 0.1);
    await put('beyond', 0.75);
    const places: unknown[] = [];
    // Four orders of two fill a machine.
    for (let at = 0; at < 12; at++) places.push((await placed((await send({ quote_id })).job_id)).join(' '));
    const four = (place: string) => Array<string>(4).fill(place);
    expect(places).toEqual([...four(`cheap ${unit(10)}`), ...four(`dear ${unit(14)}`), ...four(`cheaper ${unit(2)}`)]);
    const late = await send({ quote_id });
    await expect(placed(late.job_id)).rejects.toMatchObject({ code: 'no_capacity' });
  });

  test('a job that moves is placed at another quoted rate, and within the bound of its order', async () => {
    const { quote_id } = await quote();
    await put('dear', 0.9);
    const { job_id } = await send({ quote_id });
    expect(await placed(job_id)).toEqual(['cheap', unit(10)]);
    const job = (await findJob(pool(), session.wallet, job_id))!;
    await jobRecords(pool()).leaveProvider(orderOfJob(job), {
      ...{ providerId: 'cheap', attempt: 1, reason: 'start_timeout', fault: 'possible' },
      message: 'it did not start' as never,
    });
    expect(await placed(job_id, 2)).toEqual(['dear', unit(14)]);
    expect(await moneyOf(job_id)).toEqual({ bound: unit(14), reserved: unit(56), rate: unit(14) });
  });

  test('an order may choose one of the quoted machines, and then reserves what was quoted there', async () => {
    await put('far', 5);
    const { quote_id } = await quote();
    const { job_id } = await send({ quote_id, provider_id: 'far' });
    expect(await moneyOf(job_id)).toMatchObject({ bound: unit(100), reserved: unit(400) });
    await put('far', 6);
    expect(await placed(job_id)).toEqual(['far', unit(100)]);
    // Without a choice, twice the cheapest is the most.
    expect(await moneyOf((await send({ quote_id })).job_id)).toMatchObject({ bound: unit(20) });
    expect(await send({ quote_id, provider_id: 'nobody' })).toMatchObject({
      ...{ status: 409, code: 'quote_mismatch', errors: [{ field: 'provider_id' }] },
    });
  });

  test('a maximum in the order counts beside the quote', async () => {
    const { quote_id } = await quote();
    const { job_id } = await send({ quote_id, max_price_per_hour: 1.2 });
    expect(await moneyOf(job_id)).toMatchObject({ bound: unit(12), reserved: unit(48) });
    const low = await send({ quote_id, max_price_per_hour: 0.9 });
    expect(await moneyOf(low.job_id)).toMatchObject({ bound: unit(9) });
    await expect(placed(low.job_id)).rejects.toMatchObject({ code: 'no_capacity' });
  });

  test('with a limit that covers only the cheapest of the offers, no more than that is reserved', async () => {
    const poor = await api.login({ spendLimit: 5n * 10n ** 18n });
    const { quote_id } = await quote({}, poor);
    const { job_id } = await send({ quote_id }, poor);
    expect(await moneyOf(job_id)).toMatchObject({ bound: unit(14), reserved: unit(40) });
    expect(await send({ quote_id }, poor)).toMatchObject({ status: 403, code: 'spend_limit_exceeded' });
  });

  test.each([
    ['2', 1_004n],
    ['0', 1_000n],
  ])('an order by a quote is placed when a port costs %s, and pays no more than was quoted', async (price, rate) => {
    const account = newWallet();
    const spendLimit = 10n ** 24n;
    const ports = [8_000, 8_001, 8_002, 8_003].map((port) => ({ port }));
    const { quote_id } = await quote({ ports }, await api.login({ account, spendLimit }));
    const later = await startApi({ ...{ database, redis, commands }, env: { ...env, JOB_PORT_PRICE_PER_HOUR: price } });
    try {
      const { job_id } = await send({ quote_id, ports }, await later.login({ account, spendLimit }));
      expect(await placed(job_id)).toEqual(['cheap', (rate * 10n ** 15n).toString()]);
    } finally {
      await later.stop();
    }
  });

  test('a machine whose owner wants nothing for it any more is no longer sold, whatever was quoted', async () => {
    const site = await startApi({ database, redis, config: { ALLOW_FREE_JOBS: false } });
    try {
      expect(await quote()).toMatchObject({ offers: [{ provider_id: 'cheap' }, { provider_id: 'dear' }] });
      await put('cheap', 0);
      const { json } = await site.send('POST', '/api/v1/quotes', { body: need });
      expect(json).toMatchObject({ offers: [{ provider_id: 'dear' }] });
    } finally {
      await site.stop();
    }
  });
});

describe('a quote that is not for the order', () => {
  const refused = async (body: object, code: string, ...fields: string[]) => {
    const reply = await send(body);
    expect([reply.status, reply.code, reply.errors]).toEqual([
      409,
      code,
      fields.length === 0 ? undefined : fields.map((field) => ({ field, message: expect.any(String) })),
    ]);
    return reply;
  };

  test.each([
    [{ gpu_count: 1 }, ['gpu_count']],
    [{ gpu_type: 'A100' }, ['gpu_type']],
    [{ gpu_type: undefined }, ['gpu_type']],
    [{ cpu_cores: 5 }, ['cpu_cores']],
    [{ memory_gb: 17, storage_gb: 21 }, ['memory_gb', 'storage_gb']],
    [{ duration_hours: 5 }, ['duration_hours']],
    [{ min_vram_gb: 8 }, ['min_vram_gb']],
    [{ min_cuda: '12.0' }, ['min_cuda']],
    [{ architecture: 'arm64' }, ['architecture']],
    [{ exclude_providers: ['cheap'] }, ['exclude_providers']],
  ])('an order that has %j instead is refused, and the field is named', async (change, fields) => {
    await putProvider(pool(), { providerId: 'other', gpus: { model: 'A100', count: 1 } });
    const { quote_id } = await quote();
    await refused({ quote_id, ...change }, 'quote_mismatch', ...fields);
    expect((await pool().query('select from jobs')).rowCount).toBe(0);
  });

  test('another spelling of the same order is the same order', async () => {
    const { quote_id } = await quote({ exclude_providers: ['prov-a', 'prov-b'], memory_gb: '16Gi' });
    const same = { gpu_type: 'NVIDIA GeForce RTX 4090', exclude_providers: ['prov-b', 'prov-a'], memory_gb: 16 };
    expect(await send({ quote_id, ...same, job_name: 'train', env: { A: 'b' }, shm_gb: 1 })).toMatchObject({
      status: 202,
    });
  });

  test('a quote of another wallet is refused', async () => {
    const stranger = await api.login({ spendLimit: 10n ** 24n });
    const { quote_id } = await quote({}, stranger);
    await refused({ quote_id }, 'quote_mismatch', 'quote_id');
  });

  test('no id but one that the broker made is taken', async () => {
    const { quote_id } = await quote();
    const [text = '', seal = ''] = quote_id.split('.');
    const written = JSON.parse(Buffer.from(text, 'base64url').toString()) as object;
    const cheaper = Buffer.from(JSON.stringify({ ...written, bound: '1', offers: [] })).toString('base64url');
    const byAnotherKey = createHmac('sha256', Buffer.alloc(32)).update(text).digest('base64url');
    const later = Buffer.from(JSON.stringify({ ...written, v: 2 })).toString('base64url');
    const sealOfLater = createHmac('sha256', await quoteKey(pool()))
      .update(later)
      .digest('base64url');
    const forged = [
      ...[`${cheaper}.${seal}`, `${text}.${byAnotherKey}`, `${text}.${seal.slice(1)}`, `${text}.`, text, `.${seal}`],
      ...[`${quote_id}.${seal}`, `${text} .${seal}`, '.', 'null', '{}', 'é'.repeat(100), `${later}.${sealOfLater}`],
    ];
    for (const id of forged) await refused({ quote_id: id }, 'quote_mismatch', 'quote_id');
    // An empty id is none; one that is too long, or no text, is no id.
    expect(await send({ quote_id: '' })).toMatchObject({ status: 202 });
    for (const id of ['a'.repeat(8_193), 1, [], {}]) {
      expect(await send({ quote_id: id })).toMatchObject({ status: 422, errors: [{ field: 'quote_id' }] });
    }
  });
});

describe('an expired quote', () => {
  /** A quote that was good until now. */
  async function expired(): Promise<string> {
    const [text = ''] = (await quote()).quote_id.split('.');
    const written = JSON.parse(Buffer.from(text, 'base64url').toString()) as object;
    const past = Buffer.from(JSON.stringify({ ...written, exp: Date.now() })).toString('base64url');
    const seal = createHmac('sha256', await quoteKey(pool()))
      .update(past)
      .digest('base64url');
    return `${past}.${seal}`;
  }

  test('an order by an expired quote is refused, and told until when it was good', async () => {
    expect(await send({ quote_id: await expired() })).toMatchObject({
      ...{ status: 409, code: 'quote_expired', expires_at: expect.any(String) },
    });
  });

  test('a repeat under its key answers the first job, by the expired quote, a later one or none', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const { quote_id } = await quote();
    const first = await send({ quote_id }, undefined, headers);
    expect(first.status).toBe(202);
    for (const id of [quote_id, await expired(), (await quote()).quote_id, undefined]) {
      const { status, job_id } = await send({ quote_id: id }, undefined, headers);
      expect([status, job_id]).toEqual([202, first.job_id]);
    }
    expect(await send({ quote_id, gpu_count: 1 }, undefined, headers)).toMatchObject({ code: 'idempotency_conflict' });
    expect((await pool().query('select from jobs')).rowCount).toBe(1);
  });
});

test('every replica has the same key for quotes, of 32 random bytes', async () => {
  const { rows } = await pool().query<{ length: number }>('select length(quote_key) as length from installation');
  expect(rows).toEqual([{ length: 32 }]);
});
