import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { PrivateKeyAccount } from 'viem/accounts';
import { apiRules } from '../../src/api/app.js';
import { newJobId } from '../../src/api/job-id.js';
import type { RouteRule } from '../../src/api/route.js';
import type { Reply, Session } from '../../src/auth/client.js';
import { scopes as everyScope, type Scope } from '../../src/auth/principal.js';
import { reserveSpend } from '../../src/auth/spend.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, recordOwner, testOrder } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import {
  attempts,
  nothing,
  openRoutes,
  registrationAttempt,
  type Attempt,
  type Belongings,
} from '../support/route-attempts.js';

const customerScopes = everyScope.filter((scope) => scope !== 'admin');
const alice = newWallet();
const bob = newWallet();

let database: TestDatabase;
let redis: TestRedis;
let api: Api;

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  // Alice is an administrator too, so that every route can be shown to open for somebody.
  const env = {
    ADMIN_WALLETS: alice.address,
    PROVIDER_AUTH_MODE: 'permissive',
    MINING_IMAGE_ALLOWLIST: 'docker.io/miners/*',
    AUTH_MAX_SESSIONS: '1000',
    MAX_JOBS_PER_WALLET: '1000',
  };
  api = await startApi({ database, redis, env });
});
afterAll(async () => {
  await api?.stop();
  await Promise.all([database.close(), redis.close()]);
});

// The rules do not depend on what runs: they can be had before it does.
const rules: RouteRule[] = await ruleTable();
const nameOf = ({ method, path }: RouteRule) => `${method} ${path}`;
const guarded = rules.filter(({ auth }) => auth !== 'none' && auth !== 'session-proof');

test('every route is known: it is open on purpose, or there is a way to try who may call it', () => {
  const named = rules.map(nameOf);
  const known = [...openRoutes, ...Object.keys(attempts), 'POST /api/v1/auth/sessions'];
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  expect(known.filter((name) => !named.includes(name))).toEqual([]);
  const open = rules.filter(({ auth }) => auth === 'none').map(nameOf);
  expect(open.sort()).toEqual([...openRoutes].sort());
});

const login = (account: PrivateKeyAccount, scopes: readonly Scope[]) =>
  api.login({ account, scopes, spendLimit: 100n });
/** With the scope of administrators only where the route wants it: everywhere else the owner has to be enough. */
const scopesFor = (rule: RouteRule) => (rule.scopes.includes('admin') ? everyScope : customerScopes);

/** One of everything, of a wallet. */
async function belongings(wallet: PrivateKeyAccount): Promise<Belongings> {
  const session = await login(wallet, customerScopes);
  const { body } = await session.request('POST', '/api/v1/auth/tokens', {});
  const jobId = newJobId();
  const providerId = `prov-${randomUUID().slice(0, 8)}`;
  const order = testOrder({ jobId, wallet: session.wallet, maxPricePerHour: 0 });
  await withTransaction(database.pool, async (tx) => {
    await insertJob(tx, {
      ...order,
      sessionId: session.sessionId,
      requestSha256: '',
      sshPublicKeys: [],
      env: { TOKEN: 'of-alice' },
      reservedAmount: 0n,
    });
    await reserveSpend(tx, { jobId, sessionId: session.sessionId, amount: 0n });
  });
  await database.pool.query(`update jobs set status = 'running', started_at = now() where job_id = $1`, [jobId]);
  await putProvider(database.pool, { providerId });
  await recordOwner(database.pool, providerId, session.wallet);
  return { wallet, sessionId: session.sessionId, tokenId: (body as { token_id: string }).token_id, jobId, providerId };
}

/** Everything that is written down about some belongings, as text to be compared. */
async function written({ sessionId, jobId, providerId }: Belongings): Promise<string> {
  const tables = [
    ['select * from jobs where job_id = $1', jobId],
    ['select * from auth_charges where job_id = $1', jobId],
    [`select to_jsonb(s) - 'last_used_at' from auth_sessions s where id = $1`, sessionId],
    ['select * from auth_tokens where session_id = $1', sessionId],
    ['select * from providers where provider_id = $1', providerId],
    ['select * from provider_resources where provider_id = $1', providerId],
    ['select * from provider_identities where provider_id = $1', providerId],
  ] as const;
  const rows = await Promise.all(
    tables.map(async ([sql, id]) => (await database.pool.query(sql, [id])).rows as unknown[]),
  );
  return JSON.stringify(rows);
}

const ask = (session: Session, { method }: RouteRule, { target, body }: Attempt): Promise<Reply> =>
  session.request(method, target, body);
// Replies are looked into freely: a wrong shape fails the expectation.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const problem = (reply: Reply): any => reply.body ?? {};

describe.each(guarded.map((rule) => [nameOf(rule), rule] as const))('%s', (name, rule) => {
  const attempt = async (of: Belongings, by = bob) => await attempts[name]!(of, by);

  test('opens for its owner', async () => {
    const mine = await belongings(alice);
    const reply = await ask(await login(alice, scopesFor(rule)), rule, await attempt(mine, alice));
    // How far it comes without workflows is another matter: nobody was turned away, and nothing was wrong with it.
    expect([400, 401, 403, 404, 405, 415, 422]).not.toContain(reply.status);
  });

  test('refuses who shows nothing, or what is no credential', async () => {
    const { target, body } = await attempt(await belongings(alice));
    const nobody = await api.send(rule.method, target, { body });
    expect([nobody.status, nobody.json.code]).toEqual([401, 'auth_required']);
    const guess = await api.send(rule.method, target, { body, bearer: `wlb_${'x'.repeat(43)}` });
    expect([guess.status, guess.json.code]).toEqual([401, 'session_unknown']);
  });

  test('does nothing to what is another’s, and tells nothing of it', async () => {
    const hers = await belongings(alice);
    const before = await written(hers);
    const session = await login(bob, customerScopes);
    const tried = await attempt(hers);
    api.asked.length = 0;
    const reply = await ask(session, rule, tried);
    expect(await written(hers)).toBe(before);
    expect(api.asked).not.toContain(hers.jobId);
    expect(api.asked).not.toContain(hers.providerId);
    const answer = JSON.stringify(reply.body ?? '').toLowerCase();
    if (tried.foreign === 'own') {
      const ids = [hers.wallet.address, hers.sessionId, hers.tokenId, hers.jobId, hers.providerId];
      for (const id of ids) expect(answer).not.toContain(id.toLowerCase());
      return;
    }
    expect(problem(reply).code).toBe(tried.foreign);
    if (reply.status !== 404) return;
    // Just as for something that never was.
    const never = problem(await ask(await login(bob, customerScopes), rule, await attempt(nothing())));
    expect({ ...problem(reply), request_id: '' }).toEqual({ ...never, request_id: '' });
  });

  const missing = rule.scopes.map((scope) => [scope] as const);
  if (missing.length > 0) {
    test.each(missing)('refuses a session without %s', async (scope) => {
      const mine = await belongings(alice);
      const before = await written(mine);
      const rest = customerScopes.filter((each) => each !== scope);
      const reply = await ask(await login(alice, rest), rule, await attempt(mine, alice));
      expect([reply.status, problem(reply).code, problem(reply).missing_scopes]).toEqual([
        403,
        'scope_denied',
        [scope],
      ]);
      expect(await written(mine)).toBe(before);
    });
  }

  if (rule.operators === true) {
    test('opens for an operator, whosever it is', async () => {
      const his = await belongings(bob);
      const reply = await ask(await login(alice, ['admin']), rule, await attempt(his, alice));
      expect([400, 401, 403, 404, 405, 415, 422]).not.toContain(reply.status);
    });
  }

  if (rule.auth === 'signed') {
    test('wants a signature: a token is not enough', async () => {
      const session = await login(alice, scopesFor(rule));
      const { target, body } = await attempt(await belongings(alice), alice);
      const reply = await api.send(rule.method, target, { body, bearer: await session.token() });
      expect([reply.status, reply.json.code]).toEqual([401, 'auth_required']);
    });
  } else if (rule.scopes.length > 0) {
    test('refuses a token without a scope that its session has', async () => {
      const session = await login(alice, customerScopes);
      const bearer = await session.token({ scopes: customerScopes.filter((scope) => !rule.scopes.includes(scope)) });
      const { target, body } = await attempt(await belongings(alice), alice);
      const reply = await api.send(rule.method, target, { body, bearer });
      expect([reply.status, reply.json.code]).toEqual([403, 'scope_denied']);
    });
  }
});

test('the registration of a session takes the proof of a key, and no other credential', async () => {
  const { target, body } = registrationAttempt;
  const session = await login(bob, customerScopes);
  expect((await api.send('POST', target, { body })).json.code).toBe('auth_required');
  expect((await api.send('POST', target, { body, bearer: await session.token() })).json.code).toBe('auth_required');
  expect(problem(await session.request('POST', target, body)).code).toBe('validation_failed');
});

test('the proof of a key alone opens nothing else', async () => {
  const { target } = await attempts['GET /api/v1/auth/me']!(nothing(), bob);
  const session = await login(bob, customerScopes);
  await session.request('DELETE', '/api/v1/auth/sessions');
  expect(problem(await session.request('GET', target)).code).toBe('session_revoked');
});

/** The table that an API is made of, by way of one that is never asked anything. */
async function ruleTable(): Promise<RouteRule[]> {
  const [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const api = await startApi({ database, redis });
  const table = apiRules(api.deps);
  await api.stop();
  await Promise.all([database.close(), redis.close()]);
  return table;
}
