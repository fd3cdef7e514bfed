import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import { findJob } from '../../src/db/jobs.js';
import type { JobOrder } from '../../src/domain/job.js';
import type { Session } from '../../src/client/session.js';
import { startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { jobSteps, orderJob, type JobSteps } from '../support/told-jobs.js';

const token = 10n ** 18n;
let database: TestDatabase;
let redis: TestRedis;
let api: Api;
let session: Session;
let bearer: string;
let steps: JobSteps;
let order: JobOrder;
const pool = () => database.pool;

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  api = await startApi({ database, redis });
  steps = jobSteps(pool());
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5 });
});
afterAll(async () => {
  await api.stop();
  await Promise.all([database.close(), redis.close()]);
});
beforeEach(async () => {
  await pool().query('truncate allocations');
  await pool().query('update provider_resources set rented = 0');
  session = await api.login({ spendLimit: 100n * token });
  bearer = await session.token();
  order = await orderJob(pool(), session.sessionId, { wallet: session.wallet });
});

const get = async () => (await api.send('GET', `/api/v1/jobs/${order.jobId}`, { bearer })).json;
const change = async (sql: string) =>
  void (await pool().query(`update jobs set ${sql} where job_id = $1`, [order.jobId]));
/** The reply at a moment, as the route makes it. */
const replyAt = async (nowMs: number) => jobReplyOf((await findJob(pool(), order.wallet, order.jobId))!, nowMs);

describe('what a job costs', () => {
  test('is nothing until SSH answers, with what is held for it', async () => {
    expect(await get()).toMatchObject({ phase: 'ordered', cost: { spent: '0', reserved: `${token}` } });
    expect((await get()).cost.per_second).toBeUndefined();
    await steps.place(order);
    const perSecond = `${token / 2n / 3_600n}`;
    const cost = { spent: '0', reserved: `${token / 2n}`, per_second: perSecond };
    expect(await get()).toMatchObject({ phase: 'placed', cost, session_id: session.sessionId });
  });

  test.each([
    ['an ordinary one', [], 0],
    ['one whose provider was away for a while', ['comeBack'], 1],
    ['one whose provider is away', ['leave'], 0],
  ] as const)('of %s is at each moment what the bill would say', async (_, absences, gaps) => {
    const startedMs = Date.now() - 1_800_000;
    await steps.place(order);
    await steps.run(order, startedMs);
    for (const absence of absences) await steps[absence](order, startedMs + 600_000);
    const endMs = startedMs + 1_234_567;
    const before = await replyAt(endMs);
    const { rows } = await pool().query<{ away: Date | null }>(
      'select away_since as away from jobs where job_id = $1',
      [order.jobId],
    );
    await steps.end(order, endMs, rows[0]!.away ?? undefined);
    const after = await replyAt(endMs + 1_000_000);
    expect(BigInt(before.cost!.spent)).toBeGreaterThan(0n);
    expect(after.cost).toMatchObject({ spent: before.cost!.spent, reserved: '0' });
    // Whoever knows the rate and the time can check the charge.
    for (const cost of [before.cost!, after.cost!]) {
      const billedMs = Math.round(cost.billed_seconds! * 1000);
      expect(cost.charged).toBe(((BigInt(cost.rate_per_hour!) * BigInt(billedMs)) / 3_600_000n).toString());
      expect(cost).toMatchObject({ charged: cost.spent, billed_seconds: before.cost!.billed_seconds, fee_bps: 0 });
      expect(cost.gaps).toHaveLength(gaps);
      for (const gap of cost.gaps!) expect(gap).toMatchObject({ cause: 'silent', from: expect.any(String) });
    }
    expect([before.cost!.final, before.cost!.as_of]).toEqual([false, new Date(endMs).toISOString()]);
    expect([after.cost!.final, after.cost!.as_of]).toEqual([true, after.ended_at]);
    const { json: list } = await api.send('GET', '/api/v1/jobs', { bearer });
    expect(list.jobs[0].cost.charged).toBe(before.cost!.charged);
    expect(list.jobs[0].cost).not.toHaveProperty('gaps');
    const { json } = await api.send('GET', '/api/v1/auth/me', { bearer });
    expect(JSON.stringify(json)).toContain(before.cost!.spent);
  });

  test('is never more than what is held for it, however late it ends', async () => {
    await steps.place(order);
    await steps.run(order, Date.now() - 10 * 3_600_000);
    expect((await get()).cost).toMatchObject({ spent: `${token / 2n}`, reserved: `${token / 2n}` });
    expect((await get()).ends_in_s).toBe(0);
  });

  test('of a job of an earlier version, which wrote no rate, follows from its price', async () => {
    await steps.place(order);
    await steps.run(order, Date.now() - 1_800_000);
    await change('rate = null, phase = null');
    const { cost, phase } = await replyAt(Date.now());
    expect([phase, cost!.per_second]).toEqual(['ssh_ready', `${token / 2n / 3_600n}`]);
  });
});

describe('where a job stands', () => {
  test('is its last step, and how many seconds are left', async () => {
    await steps.place(order);
    await steps.run(order);
    const running = await get();
    expect(running).toMatchObject({ status: 'running', phase: 'ssh_ready' });
    expect(running.ends_in_s).toBeGreaterThan(3_500);
    await steps.leave(order);
    expect((await get()).phase).toBe('provider_away');
    await steps.comeBack(order);
    expect((await get()).phase).toBe('ssh_ready');
    await steps.ending(order);
    expect(await get()).toMatchObject({ phase: 'ending', message: 'you ended it' });
    await steps.end(order);
    const ended = await get();
    expect(ended).toMatchObject({ phase: 'ended', message: 'you ended it', ended_by: 'you' });
    expect(ended.ends_in_s).toBeUndefined();
  });

  test.each([
    [`status = 'cancelled', message = 'cancelled by ' || wallet`, { message: 'you ended it', ended_by: 'you' }],
    [
      `status = 'cancelled', message = 'cancelled by 0x${'c'.repeat(40)}: abuse'`,
      { message: 'an operator ended it: abuse', ended_by: 'operator' },
    ],
    [`status = 'expired', message = 'over'`, { ended_by: 'expiry' }],
    [`status = 'provider_lost', message = 'lost'`, { ended_by: 'provider' }],
    [`status = 'cancelled', failure_reason = 'provider_drained'`, { ended_by: 'owner' }],
    [`status = 'completed', message = 'done'`, { ended_by: undefined, message: 'done' }],
  ])('says of a job of an earlier version who ended it: %s', async (sql, said) => {
    await change(`${sql}, ended_at = now()`);
    const { message, ended_by } = await get();
    expect({ message, ended_by }).toMatchObject(said);
  });

  test('says the most that an hour may cost, unless nothing was on offer', async () => {
    await change('max_price_per_hour = 1.1, requested_max_price = null');
    expect((await get()).max_price_per_hour).toBe(1.1);
    await change('max_price_per_hour = 0');
    expect((await get()).max_price_per_hour).toBeUndefined();
    await change('requested_max_price = 0.7');
    expect((await get()).max_price_per_hour).toBe(0.7);
  });
});

describe('the name of a job', () => {
  const rename = (body: unknown, by = bearer) => api.send('PATCH', `/api/v1/jobs/${order.jobId}`, { bearer: by, body });

  test('is changed and taken away by its customer, and by nobody else', async () => {
    expect((await rename({ job_name: 'train' })).json).toMatchObject({ job_id: order.jobId, job_name: 'train' });
    const stranger = await (await api.login()).token();
    expect((await rename({ job_name: 'mine' }, stranger)).status).toBe(404);
    expect((await get()).job_name).toBe('train');
    expect((await rename({ job_name: null })).json.job_name).toBeUndefined();
  });

  test.each([
    [{}],
    [{ job_name: '' }],
    [{ job_name: 'x'.repeat(65) }],
    [{ job_name: 'a\u001b[1m' }],
    [{ name: 'train' }],
  ])('is refused as %j, with the field', async (body) => {
    const { status, json } = await rename(body);
    expect([status, json.code]).toEqual([422, 'validation_failed']);
    expect(json.errors.length).toBeGreaterThan(0);
  });
});
