import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { zeroAddress } from 'viem';
import type { RouteRule } from '../../src/api/route.js';
import { revocationTypedData, type SessionRevocation } from '../../src/wire/session-typed-data.js';
import type { Reply, Session } from '../../src/client/session.js';
import { audience, newWallet, startApi, type Api } from '../support/api.js';
import { anyMachine } from '../support/asked-machine.js';
import { bindNodeKey, httpsProvider } from '../support/https-providers.js';
import { chainEnv, putSettlement, putVault, signingWorkers } from '../support/chain-site.js';
import { loginsAt, putBelongings, roomyFor, takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { attempts, openRoutes, type Belongings } from '../support/route-attempts.js';
import { openOutcomes, outcomes } from '../support/route-outcomes.js';
import { nameOf, ruleTable } from '../support/tried-api.js';
import { scopes as everyScope, type Scope } from '../../src/wire/scopes.js';

const customerScopes = everyScope.filter((scope) => scope !== 'admin' && scope !== 'settlements:read');
const admin: readonly Scope[] = ['admin'];
const [operator, owner] = [newWallet(), newWallet()];
const asked: string[] = [];

let replicas: Replicas;
/** The API over the same database, with a Temporal that does not answer. */
let away: Api;
beforeAll(async () => {
  const env = {
    ...roomyFor(operator),
    AUTH_MAX_TOKENS: '1000',
    ...chainEnv,
  };
  const commands = { ...takingCommands(asked), vault: signingWorkers(() => replicas.database.pool, asked) };
  replicas = await startReplicas({ env, commands, askUse: anyMachine });
  await putVault(replicas.database.pool);
  await putSettlement(replicas.database.pool, 1);
  away = await startApi({ ...replicas, env, askUse: anyMachine });
});
afterAll(async () => {
  await away?.stop();
  await replicas.stop();
});

const rules = await ruleTable();
const guarded = rules.filter(({ auth }) => auth !== 'none' && auth !== 'session-proof');
const open = rules.filter(({ auth }) => auth === 'none');
const logins = loginsAt(() => replicas.api);
const loginsAway = loginsAt(() => away);

test('the tables have an outcome for every route', () => {
  expect(Object.keys(outcomes).sort()).toEqual(guarded.map(nameOf).sort());
  expect(Object.keys(openOutcomes).sort()).toEqual([...openRoutes].sort());
});

test('an order counts as an order, any other change as a write, and everything else as a read', () => {
  for (const rule of guarded) {
    const counts = nameOf(rule) === 'POST /api/v1/jobs' ? 'jobs' : rule.method === 'GET' ? 'read' : 'write';
    expect([nameOf(rule), rule.limit]).toEqual([nameOf(rule), counts]);
  }
  // Their handlers check for a proof, and count requests themselves.
  expect(rules.filter(({ limit }) => limit === 'proof').map(nameOf)).toEqual([
    'POST /api/v1/auth/sessions',
    'POST /api/v1/auth/revoke',
    'POST /api/v1/providers/messages',
    'GET /api/v1/providers/:id/responses',
    'PUT /api/v1/providers/:id/delegation',
  ]);
});

const ask = async (session: Session, rule: RouteRule, of: Belongings, by = of.wallet): Promise<Reply> => {
  const { target, body, headers } = await attempts[nameOf(rule)]!(of, by);
  return await session.request(rule.method, target, body, headers);
};

/** The response matches what the API page says about its status. */
function expectAsDescribed(rule: RouteRule, { status, body }: Pick<Reply, 'status' | 'body'>): void {
  const described = rule.responses[status];
  expect(described).toBeDefined();
  if (described!.schema === undefined) return;
  expect(described!.schema.safeParse(body).error?.issues ?? []).toEqual([]);
}

describe.each(guarded.map((rule) => [nameOf(rule), rule] as const))('%s', (name, rule) => {
  const { taken, away: whenAway } = outcomes[name]!;
  const forOperators = rule.scopes.includes('admin') || rule.scopes.includes('settlements:read');
  const needed = forOperators ? everyScope : customerScopes;
  // One request revokes all sessions of its wallet, and one adds to what a wallet may have a number of.
  const needsNewWallet = [
    'DELETE /api/v1/auth/sessions',
    'POST /api/v1/ssh-keys',
    'POST /api/v1/billing/withdrawals',
  ].includes(name);
  const caller = () => (forOperators ? operator : needsNewWallet ? newWallet() : owner);

  test(`the route answers ${taken} to a caller with the right to it, as the API page describes it`, async () => {
    const mine = await putBelongings(replicas.database.pool, caller(), { paid: true, deposited: true });
    const reply = await ask(await logins(mine.wallet, needed), rule, mine);
    expect([reply.status, reply.body]).toEqual([taken, reply.body]);
    expectAsDescribed(rule, reply);
    // What only reads is about no job or provider of its own.
    if (whenAway === undefined || rule.method === 'GET') return;
    const { job_id: ordered = '', withdrawal_id: held = '' } = reply.body as {
      job_id?: string;
      withdrawal_id?: string;
    };
    expect(asked.some((id) => [mine.jobId, mine.providerId, ordered, held].includes(id))).toBe(true);
  });

  test(`the route answers ${whenAway ?? taken} while Temporal is away`, async () => {
    const mine = await putBelongings(replicas.database.pool, caller(), { paid: true, deposited: true });
    const reply = await ask(await loginsAway(mine.wallet, needed), rule, mine);
    expect(reply.status).toBe(whenAway ?? taken);
    if (whenAway === undefined) return;
    expect(reply.body).toMatchObject({ code: 'dependency_unavailable' });
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  if (rule.operators === true && !forOperators) {
    test(`the route answers ${taken} to an operator, whoever owns the provider`, async () => {
      const his = await putBelongings(replicas.database.pool, newWallet());
      const reply = await ask(await logins(operator, admin), rule, his, operator);
      expect([reply.status, reply.body]).toEqual([taken, reply.body]);
      expectAsDescribed(rule, reply);
    });

    test('the route tells an operator without an admin session that another’s provider does not exist', async () => {
      const his = await putBelongings(replicas.database.pool, newWallet());
      const reply = await ask(await logins(operator, customerScopes), rule, his, operator);
      expect(reply.body).toMatchObject({ status: 404, code: 'provider_not_found' });
    });
  }
});

interface OpenAttempt {
  target?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Requests for public routes that need more than the path. */
const openAttempts: Record<string, () => Promise<OpenAttempt>> = {
  'GET /api/v1/providers/:id': async () => ({ target: `/api/v1/providers/${await somebodys()}` }),
  'GET /api/v1/providers/:id/mining': async () => ({ target: `/api/v1/providers/${await somebodys()}/mining` }),
  // Open to everybody who has the machine's key.
  async 'GET /api/v1/providers/:id/responses'() {
    const provider = httpsProvider();
    await bindNodeKey(replicas.database.pool, provider);
    const target = `/api/v1/providers/${provider.providerId}/responses`;
    return { target, headers: await provider.signTarget(target) };
  },
  'GET /api/v1/settlements/:number': async () => ({ target: '/api/v1/settlements/1' }),
  'GET /api/v1/market/history': async () => ({ target: '/api/v1/market/history?gpu=4090' }),
  'POST /api/v1/quotes': async () => ({ body: { gpu_type: '4090' } }),
  async 'PUT /api/v1/providers/:id/delegation'() {
    const { providerId, left } = httpsProvider();
    return { target: `/api/v1/providers/${providerId}/delegation`, body: await left() };
  },
  'POST /api/v1/auth/challenge': async () => ({
    body: { wallet: newWallet().address, session_key: newWallet().address },
  }),
  'POST /api/v1/providers/messages': async () => ({ body: httpsProvider().bareRegistration() }),
  async 'POST /api/v1/auth/revoke'() {
    const wallet = newWallet();
    const message: SessionRevocation = {
      wallet: wallet.address,
      sessionKey: zeroAddress,
      audience,
      issuedAt: Math.floor(Date.now() / 1000),
      nonce: `0x${randomBytes(32).toString('hex')}`,
    };
    const lowered = { ...message, wallet: wallet.address.toLowerCase() as typeof wallet.address };
    return { body: { message, chain_id: 1, signature: await wallet.signTypedData(revocationTypedData(lowered, 1)) } };
  },
};
const somebodys = async () => (await putBelongings(replicas.database.pool, newWallet())).providerId;

test.each(open.map((rule) => [nameOf(rule), openOutcomes[nameOf(rule)], rule] as const))(
  '%s answers %i to everybody, as the API page describes it',
  async (name, status, rule) => {
    const { target = rule.path, ...sent } = (await openAttempts[name]?.()) ?? {};
    const reply = await replicas.api.send(rule.method, target, sent);
    expect([reply.status, reply.text]).toEqual([status, reply.text]);
    expectAsDescribed(rule, { status: reply.status, body: reply.json });
  },
);
