import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Reply, Session } from '../../src/client/session.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

const hour = 3_600;
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';

let world: World;
/** Two replicas of the API over one worker and one cluster. */
let api: Api;
let other: Api;
let providerId: string;
/** Base units that a job of the tests costs for an hour: one GPU at 2 tokens, and nothing beyond its share. */
const anHour = 2_000_000_000_000_000_000n;

beforeAll(async () => {
  world = await createWorld({ JOB_STUCK_GRACE_S: 1 });
  const options = {
    database: world.database,
    redis: world.redis,
    commands: { jobs: world.commands },
    env: { MAX_JOBS_PER_WALLET: '5' },
  };
  [api, other] = await Promise.all([startApi(options), startApi(options)]);
  providerId = await world.provider({ gpus: { model: 'NVIDIA H100', count: 64 }, gpuPrice: 2 });
  const reply = await api.send('GET', `/api/v1/providers/gpu-availability?gpu_type=H100`);
  expect(reply.json.providers[0].price_per_hour).toBe(2);
});
afterAll(async () => {
  await Promise.all([api?.stop(), other?.stop()]);
  await world.close();
});

const order = (change: object = {}) => ({
  provider_id: providerId,
  gpu_count: 1,
  cpu_cores: 1,
  memory_gb: 1,
  storage_gb: 1,
  duration_hours: 1,
  ssh_public_keys: [key],
  ...change,
});
const place = (session: Session, change: object = {}, headers: Record<string, string> = { prefer: 'wait=60' }) =>
  session.request('POST', '/api/v1/jobs', order(change), headers);
const later = { prefer: 'respond-async' };
// Replies are looked into freely: a wrong shape fails the expectation.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const bodyOf = (reply: Reply) => reply.body as any;
const codes = (replies: Reply[]) => replies.map((reply) => bodyOf(reply).code ?? reply.status).sort();

/** What a session has, as its owner sees it. */
async function account(session: Session): Promise<{ limit: bigint; reserved: bigint; spent: bigint }> {
  const { spend_limit, spend_reserved, spend_spent } = bodyOf(await session.request('GET', '/api/v1/auth/me'));
  return { limit: BigInt(spend_limit), reserved: BigInt(spend_reserved), spent: BigInt(spend_spent) };
}
const jobsOf = async ({ wallet }: Session) => {
  const { rows } = await world.database.pool.query<{ status: string; reserved_amount: string }>(
    'select status, reserved_amount from jobs where wallet = $1',
    [wallet],
  );
  return rows;
};

describe('an order', () => {
  test('an order reserves the most that the job may cost before it runs', async () => {
    const session = await api.login({ spendLimit: 3n * anHour });
    const placed = await place(session, { duration_hours: 2 }, later);
    expect([201, 202]).toContain(placed.status);
    expect(await account(session)).toEqual({ limit: 3n * anHour, reserved: 2n * anHour, spent: 0n });
    expect(await jobsOf(session)).toMatchObject([{ reserved_amount: String(2n * anHour) }]);
  });

  test('an order beyond the spend limit leaves neither a job nor a reservation', async () => {
    const session = await api.login({ spendLimit: anHour - 1n });
    const refused = await place(session);
    expect([refused.status, bodyOf(refused).code]).toEqual([403, 'spend_limit_exceeded']);
    expect(bodyOf(refused)).toMatchObject({ required: String(anHour), remaining: String(anHour - 1n) });
    expect(await jobsOf(session)).toEqual([]);
    expect((await account(session)).reserved).toBe(0n);
  });

  test('an order that uses the spend limit to the last unit is accepted', async () => {
    const session = await api.login({ spendLimit: anHour });
    expect([201, 202]).toContain((await place(session, {}, later)).status);
    expect((await account(session)).reserved).toBe(anHour);
  });

  test('an order of a session without spending rights is refused', async () => {
    const session = await api.login();
    expect(bodyOf(await place(session)).code).toBe('spend_limit_exceeded');
  });

  test('an order with a token counts against its session’s spend limit', async () => {
    const session = await api.login({ spendLimit: anHour });
    const bearer = await session.token({ scopes: ['jobs:write'] });
    const sent = { bearer, body: order(), headers: later };
    expect([201, 202]).toContain((await api.send('POST', '/api/v1/jobs', sent)).status);
    expect((await api.send('POST', '/api/v1/jobs', sent)).json.code).toBe('spend_limit_exceeded');
  });

  test('an order repeated under its Idempotency-Key reserves only once', async () => {
    const session = await api.login({ spendLimit: 5n * anHour });
    const headers = { ...later, 'idempotency-key': 'once' };
    const replies = await Promise.all([1, 2, 3].map(() => place(session, {}, headers)));
    expect(new Set(replies.map((reply) => bodyOf(reply).job_id)).size).toBe(1);
    expect((await account(session)).reserved).toBe(anHour);
  });

  test('concurrent orders cannot exceed the spend limit together', async () => {
    const wallet = newWallet();
    // More than the quota of jobs would allow is not asked for: the limit alone decides.
    const session = await api.login({ account: wallet, spendLimit: 3n * anHour + anHour / 2n });
    const bearer = await session.token();
    const sent = { bearer, body: order(), headers: later };
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? api : other).send('POST', '/api/v1/jobs', sent)),
    );
    const refused = replies.filter(({ status }) => status === 403);
    expect(refused.map(({ json }) => json.code)).toEqual(Array(7).fill('spend_limit_exceeded'));
    expect((await jobsOf(session)).length).toBe(3);
    expect((await account(session)).reserved).toBe(3n * anHour);
  });

  test('concurrent orders cannot exceed the quota together, and a refused one reserves nothing', async () => {
    const wallet = newWallet();
    const sessions = [
      await api.login({ account: wallet, spendLimit: 100n * anHour }),
      await api.login({ account: wallet, spendLimit: 100n * anHour }),
    ];
    const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => place(sessions[i % 2]!, {}, later)));
    expect(codes(replies).filter((code) => code === 'quota_exceeded')).toHaveLength(3);
    const [one, two] = await Promise.all(sessions.map(account));
    expect(one!.reserved + two!.reserved).toBe(5n * anHour);
  });
});

describe('the end of a job', () => {
  test('a job that ends early gets the unused part of its reservation back', async () => {
    const session = await api.login({ spendLimit: anHour });
    const begunMs = Date.now();
    const { job_id, status } = bodyOf(await place(session));
    expect(status).toBe('running');
    const ended = await session.request('DELETE', `/api/v1/jobs/${job_id}`, undefined, { prefer: 'wait=60' });
    const elapsedS = Math.ceil((Date.now() - begunMs) / 1000);
    expect(bodyOf(ended).status).toBe('cancelled');
    const { reserved, spent } = await account(session);
    expect(reserved).toBe(0n);
    expect(spent).toBeGreaterThan(0n);
    expect(spent).toBeLessThanOrEqual((anHour * BigInt(elapsedS)) / BigInt(hour) + 1n);
  });

  test('a job that found no capacity gets its whole reservation back', async () => {
    const session = await api.login({ spendLimit: 10n * anHour });
    const refused = await place(session, { provider_id: 'nobody-has-this-name', max_price_per_hour: 1 });
    expect(bodyOf(refused).code).toBe('no_capacity');
    expect(await jobsOf(session)).toMatchObject([{ status: 'failed', reserved_amount: String(10n ** 18n) }]);
    expect(await account(session)).toMatchObject({ reserved: 0n, spent: 0n });
  });
});

describe('an extension', () => {
  const extend = (session: Session, jobId: string, headers: Record<string, string> = {}) =>
    session.request('POST', `/api/v1/jobs/${jobId}/extend`, { additional_hours: 1 }, headers);

  test('an extension is charged once, however often it is sent under its key', async () => {
    const session = await api.login({ spendLimit: 5n * anHour });
    const { job_id, expires_at } = bodyOf(await place(session));
    const headers = { 'idempotency-key': 'longer' };
    await Promise.all([extend(session, job_id, headers), extend(session, job_id, headers)]);
    const third = await extend(session, job_id, headers);
    expect(Date.parse(bodyOf(third).expires_at) - Date.parse(expires_at)).toBe(hour * 1000);
    expect((await account(session)).reserved).toBe(2n * anHour);
    // Without the key, or with another, it is another one.
    await extend(session, job_id);
    expect((await account(session)).reserved).toBe(3n * anHour);
  });

  test('an extension beyond the spend limit is refused, and the job ends at its old expiry', async () => {
    const session = await api.login({ spendLimit: 2n * anHour - 1n });
    const { job_id, expires_at } = bodyOf(await place(session));
    const refused = await extend(session, job_id);
    expect([refused.status, bodyOf(refused).code]).toEqual([403, 'spend_limit_exceeded']);
    expect(bodyOf(await session.request('GET', `/api/v1/jobs/${job_id}`)).expires_at).toBe(expires_at);
    expect((await account(session)).reserved).toBe(anHour);
  });

  test('an extension is paid by the session that requests it, not by the one that ordered the job', async () => {
    const wallet = newWallet();
    const first = await api.login({ account: wallet, spendLimit: 5n * anHour });
    const poor = await api.login({ account: wallet });
    const second = await api.login({ account: wallet, spendLimit: 5n * anHour });
    const { job_id } = bodyOf(await place(first));
    expect(bodyOf(await extend(poor, job_id)).code).toBe('spend_limit_exceeded');
    // A customer who changes keys keeps what runs.
    await second.request('DELETE', `/api/v1/auth/sessions/${first.sessionId}`);
    expect((await extend(second, job_id)).status).toBe(200);
    expect((await account(second)).reserved).toBe(anHour);
    await second.request('DELETE', `/api/v1/jobs/${job_id}`);
    const { reserved, spent } = await until(async () => {
      const now = await account(second);
      return now.reserved === 0n ? now : undefined;
    });
    // What ran was paid by the order; the extension never began.
    expect([reserved, spent]).toEqual([0n, 0n]);
  });
});
