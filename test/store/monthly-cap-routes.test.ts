import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Scope } from '../../src/wire/scopes.js';
import { newWallet } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { bodyOf } from '../support/placing.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
beforeAll(async () => {
  const never = () => Promise.reject(new Error('is not asked for'));
  const jobs = { startAndWait: () => Promise.resolve('still_starting' as const), cancel: never, extend: never };
  const env = { MAX_STARTING_JOBS_PER_WALLET: '1000' };
  replicas = await startReplicas({ env, commands: { jobs } });
  const gpus = { model: 'RTX 4090', count: 8 };
  await putProvider(replicas.database.pool, { providerId: 'atlas', gpuPrice: 1, gpus });
});
afterAll(() => replicas.stop());

const pool = () => replicas.database.pool;
const tokens = (count: number) => String(10n ** 18n * BigInt(count));
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const spending: readonly Scope[] = ['jobs:read', 'jobs:write'];
const route = '/api/v1/billing/monthly-cap';

/** A wallet whose sessions are opened when they are needed. */
function customer() {
  const account = newWallet();
  const login = (scopes: readonly Scope[] = spending) =>
    replicas.api.login({ account, scopes, spendLimit: 10n ** 24n });
  return { account, wallet: account.address.toLowerCase(), login };
}
type Session = Awaited<ReturnType<ReturnType<typeof customer>['login']>>;

const set = (session: Session, amount: unknown) => session.request('PUT', route, { amount });
const clear = (session: Session) => session.request('DELETE', route);
const balance = async (session: Session) => bodyOf(await session.request('GET', '/api/v1/billing/balance'));
const order = (session: Session, hours: number) =>
  session.request('POST', '/api/v1/jobs', {
    ...{ gpu_type: 'RTX 4090', gpu_count: 1, duration_hours: hours, ssh_public_keys: [sshKey] },
    ...{ cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
  });
const problem = (reply: { status: number; body: unknown }) => [
  reply.status,
  (reply.body as Record<string, unknown>)['code'],
];

describe('a monthly cap over the API', () => {
  test('the balance shows the cap with what is left of it, and null without one', async () => {
    const { login } = customer();
    const session = await login();
    expect(await balance(session)).toMatchObject({ monthly_cap: null });
    const reply = await set(session, tokens(10));
    const cap = { amount: tokens(10), amount_tokens: '10', charged: '0', reserved: '0', remaining: tokens(10) };
    expect([reply.status, bodyOf(reply)]).toEqual([200, expect.objectContaining(cap)]);
    await order(session, 4);
    expect((await balance(session)).monthly_cap).toMatchObject({ reserved: tokens(4), remaining_tokens: '6' });
    await set(session, tokens(3));
    expect((await balance(session)).monthly_cap).toMatchObject({ reserved: tokens(4), remaining: '0' });
  });

  test('an order above the cap is refused with what is left and when the month turns, and nothing of it stays', async () => {
    const { login, wallet } = customer();
    const session = await login();
    await set(session, tokens(5));
    expect((await order(session, 3)).status).toBe(202);
    const refused = await order(session, 3);
    expect(problem(refused)).toEqual([403, 'monthly_cap_reached']);
    const { resets_at } = (await balance(session)).monthly_cap;
    expect(bodyOf(refused)).toMatchObject({
      ...{ required: tokens(3), remaining: tokens(2), monthly_cap: tokens(5), resets_at },
    });
    const { rows } = await pool().query('select from jobs where wallet = $1', [wallet]);
    expect(rows).toHaveLength(1);
  });

  test('the order that takes a login to 80 % of its limit is told right after the order', async () => {
    const { account } = customer();
    const session = await replicas.api.login({ account, scopes: spending, spendLimit: 10n ** 19n });
    await order(session, 8);
    const { events } = bodyOf(await session.request('GET', '/api/v1/events'));
    expect(events.map(({ kind, seq }: Record<string, unknown>) => [kind, seq])).toEqual([
      ['ordered', 1],
      ['limit_near', 2],
    ]);
    expect(events[1].data).toEqual({ limit: 'session', percent: 80, used: tokens(8), amount: tokens(10) });
  });

  test('whoever may spend may set a cap and lower it, also by a token', async () => {
    const { login } = customer();
    const session = await login();
    const bearer = await session.token();
    for (const amount of [tokens(9), tokens(9), tokens(8), '0']) {
      expect((await replicas.api.send('PUT', route, { bearer, body: { amount } })).status).toBe(200);
    }
    expect((await balance(session)).monthly_cap.amount).toBe('0');
  });

  test('a login that may spend cannot raise the cap or take it away, nor can a token with all scopes', async () => {
    const { login } = customer();
    const thief = await login();
    await set(thief, tokens(5));
    const bearer = await (await login([...spending, 'billing:write'])).token();
    const withToken = (method: string, body?: object) =>
      replicas.api.send(method, route, { bearer, ...(body === undefined ? {} : { body }) });
    expect(problem(await set(thief, tokens(6)))).toEqual([403, 'scope_denied']);
    expect(problem(await clear(thief))).toEqual([403, 'scope_denied']);
    expect((await withToken('PUT', { amount: tokens(6) })).json.code).toBe('scope_denied');
    expect((await withToken('DELETE')).json).toMatchObject({
      ...{ code: 'scope_denied', missing_scopes: ['billing:write'] },
    });
    expect((await balance(thief)).monthly_cap.amount).toBe(tokens(5));
  });

  test('a login whose wallet signed for it raises the cap and takes it away', async () => {
    const { login } = customer();
    const session = await login([...spending, 'billing:write']);
    await set(session, tokens(5));
    expect(bodyOf(await set(session, tokens(50)))).toMatchObject({ amount: tokens(50) });
    expect([(await clear(session)).status, (await clear(session)).status]).toEqual([204, 204]);
    expect((await balance(session)).monthly_cap).toBeNull();
  });

  test('of a raise and a lowering at once, no login without the scope ends above what it found', async () => {
    const { login } = customer();
    const thief = await login();
    await set(thief, tokens(5));
    const amounts = [4, 6, 3, 7, 2, 8, 1, 9];
    const replies = await Promise.all(amounts.map((amount) => set(thief, tokens(amount))));
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect((await balance(thief)).monthly_cap.amount).toBe(tokens(1));
  });

  test('a cap of one wallet does not touch another one', async () => {
    const [one, two] = [await customer().login(), await customer().login()];
    await set(one, '0');
    expect((await order(two, 3)).status).toBe(202);
    expect((await balance(two)).monthly_cap).toBeNull();
  });

  test.each([-1, 5, '-1', '1.5', '', '01', '1e3', ' 1', null, String(2n ** 128n), '9'.repeat(40)])(
    'an amount of %p is refused by the name of its field',
    async (amount) => {
      const reply = await set(await customer().login(), amount);
      expect(problem(reply)).toEqual([422, 'validation_failed']);
      expect(bodyOf(reply).errors[0].field).toBe('amount');
    },
  );

  test('each change stands in the audit log with what it was and is, and a repeat does not', async () => {
    const { login, wallet } = customer();
    const session = await login([...spending, 'billing:write']);
    await set(session, '5');
    await set(session, '5');
    await set(session, '9');
    await clear(session);
    const { rows } = await pool().query('select action, target, detail from audit_log where actor = $1 order by id', [
      wallet,
    ]);
    expect(rows).toEqual([
      { action: 'wallet.monthly_cap', target: wallet, detail: { from: null, to: '5' } },
      { action: 'wallet.monthly_cap', target: wallet, detail: { from: '5', to: '9' } },
      { action: 'wallet.monthly_cap', target: wallet, detail: { from: '9', to: null } },
    ]);
  });
});
