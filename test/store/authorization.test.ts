import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PrivateKeyAccount } from 'viem/accounts';
import type { RouteRule } from '../../src/api/route.js';
import type { Reply, Session } from '../../src/client/session.js';
import { newWallet, signedHeaders, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { loginsAt, putBelongings, written } from '../support/owned.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import {
  attempts,
  nothing,
  openRoutes,
  registrationAttempt,
  type Attempt,
  type Belongings,
} from '../support/route-attempts.js';
import { nameOf, ruleTable } from '../support/tried-api.js';
import { scopes as everyScope } from '../../src/wire/scopes.js';

const customerScopes = everyScope.filter((scope) => scope !== 'admin' && scope !== 'settlements:read');
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
    AUTH_MAX_TOKENS: '1000',
    MAX_JOBS_PER_WALLET: '1000',
  };
  api = await startApi({ database, redis, env });
});
afterAll(async () => {
  await api?.stop();
  await Promise.all([database.close(), redis.close()]);
});

// The rules do not depend on the stack, so the test cases can be made before it runs.
const rules: RouteRule[] = await ruleTable();
const guarded = rules.filter(({ auth }) => auth !== 'none' && auth !== 'session-proof');

test('every route is either meant to be open or has a test of who may call it', () => {
  const named = rules.map(nameOf);
  const known = [...openRoutes, ...Object.keys(attempts), 'POST /api/v1/auth/sessions'];
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  expect(known.filter((name) => !named.includes(name))).toEqual([]);
  const open = rules.filter(({ auth }) => auth === 'none').map(nameOf);
  expect(open.sort()).toEqual([...openRoutes].sort());
});

const logins = loginsAt(() => api);
const belongings = (of: PrivateKeyAccount) => putBelongings(database.pool, of, { paid: true });
const writtenOf = (of: Belongings) => written(database.pool, of);
/** Uses the scope `admin` only if the route requires it: everywhere else the owner's scopes must be enough. */
const scopesFor = ({ scopes }: RouteRule) =>
  scopes.includes('admin') || scopes.includes('settlements:read') ? everyScope : customerScopes;

const ask = (session: Session, { method }: RouteRule, { target, body, headers }: Attempt): Promise<Reply> =>
  session.request(method, target, body, headers);
// Replies are untyped: a wrong shape fails the expectation.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const problem = (reply: Reply): any => reply.body ?? {};

describe.each(guarded.map((rule) => [nameOf(rule), rule] as const))('%s', (name, rule) => {
  const attempt = async (of: Belongings, by = bob) => await attempts[name]!(of, by);
  // The request that revokes all sessions of a wallet uses a separate wallet.
  const stranger = name === 'DELETE /api/v1/auth/sessions' ? newWallet() : bob;

  test('the route refuses callers without a credential, with an unknown token, or with an unregistered key', async () => {
    const { target, body } = await attempt(await belongings(alice));
    const { method } = rule;
    const nobody = await api.send(method, target, { body });
    expect([nobody.status, nobody.json.code]).toEqual([401, 'auth_required']);
    const guess = await api.send(method, target, { body, bearer: `wlb_${'x'.repeat(43)}` });
    expect([guess.status, guess.json.code]).toEqual([401, 'session_unknown']);
    // A signature without a session can only open one, even if the wallet itself signs.
    for (const key of [newWallet(), alice]) {
      const headers = await signedHeaders(key, { method, target, body });
      const proof = await api.send(method, target, { body, headers });
      expect([proof.status, proof.json.code]).toEqual([401, 'session_unknown']);
    }
  });

  test('the route changes nothing of another wallet, and tells nothing about it', async () => {
    const hers = await belongings(alice);
    const before = await writtenOf(hers);
    const session = await logins(stranger, customerScopes);
    const tried = await attempt(hers, stranger);
    api.asked.length = 0;
    const reply = await ask(session, rule, tried);
    expect(await writtenOf(hers)).toBe(before);
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
    // The same reply as for something that never existed.
    const never = problem(await ask(session, rule, await attempt(nothing())));
    expect({ ...problem(reply), request_id: '' }).toEqual({ ...never, request_id: '' });
  });

  const missing = rule.scopes.map((scope) => [scope] as const);
  if (missing.length > 0) {
    test.each(missing)('the route refuses a session without %s', async (scope) => {
      const mine = await belongings(alice);
      const before = await writtenOf(mine);
      const rest = customerScopes.filter((each) => each !== scope);
      const reply = await ask(await logins(alice, rest), rule, await attempt(mine, alice));
      expect([reply.status, problem(reply).code, problem(reply).missing_scopes]).toEqual([
        403,
        'scope_denied',
        [scope],
      ]);
      expect(await writtenOf(mine)).toBe(before);
    });
  }

  if (rule.scopes.length > 0 && rule.operators !== true && !rule.scopes.includes('admin')) {
    test('the route refuses an operator without its scope, even for what the operator owns', async () => {
      const his = await belongings(alice);
      const before = await writtenOf(his);
      api.asked.length = 0;
      const reply = await ask(await logins(alice, ['admin']), rule, await attempt(his, alice));
      expect([reply.status, problem(reply).code, problem(reply).missing_scopes]).toEqual([
        403,
        'scope_denied',
        rule.scopes,
      ]);
      expect(await writtenOf(his)).toBe(before);
      expect(api.asked).toEqual([]);
    });
  }

  if (rule.auth === 'signed') {
    test('the route requires a signature, and a token is not enough', async () => {
      const session = await logins(alice, scopesFor(rule));
      const { target, body } = await attempt(await belongings(alice), alice);
      const reply = await api.send(rule.method, target, { body, bearer: await session.token() });
      expect([reply.status, reply.json.code]).toEqual([401, 'auth_required']);
    });
  } else if (rule.scopes.length > 0) {
    test('the route refuses a token without a scope that its session has', async () => {
      const session = await logins(alice, customerScopes);
      const bearer = await session.token({ scopes: customerScopes.filter((scope) => !rule.scopes.includes(scope)) });
      const { target, body } = await attempt(await belongings(alice), alice);
      const reply = await api.send(rule.method, target, { body, bearer });
      expect([reply.status, reply.json.code]).toEqual([403, 'scope_denied']);
    });
  }
});

test('a session is registered by proof of its key, and by no other credential', async () => {
  const { target, body } = registrationAttempt;
  const session = await logins(bob, customerScopes);
  expect((await api.send('POST', target, { body })).json.code).toBe('auth_required');
  expect((await api.send('POST', target, { body, bearer: await session.token() })).json.code).toBe('auth_required');
  expect(problem(await session.request('POST', target, body)).code).toBe('validation_failed');
});
