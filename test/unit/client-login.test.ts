import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts';
import { recoverTypedDataAddress } from 'viem';
import {
  connect,
  memoryStore,
  sessionStorageStore,
  type Eip1193Provider,
  type Signer,
} from '../../src/client/index.js';
import { delegationForWallet, delegationStatement, type SessionDelegation } from '../../src/wire/session-typed-data.js';
import { failure } from '../support/client-failure.js';
import { json, problem, startFalseBroker, type FalseBroker, type ReceivedRequest } from '../support/false-broker.js';

let broker: FalseBroker;
beforeAll(async () => void (broker = await startFalseBroker()));
afterEach(() => void broker.received.splice(0));
afterAll(() => broker.stop());

const wallet = privateKeyToAccount(generatePrivateKey());
const nowS = () => Math.floor(Date.now() / 1000);
const site = { auth: { chain_ids: [1, 103] }, token: { symbol: 'WLC', decimals: 18 } };

interface Falsified {
  message?: Partial<Record<keyof SessionDelegation, unknown>>;
  chainId?: unknown;
  serverTime?: number;
  site?: unknown;
  /** Instead of the types and the name of the message. */
  typed?: object;
}

/** A broker that proposes what is asked for, but for what the test says. */
function proposing(falsified: Falsified = {}) {
  broker.answer(async (request, response) => {
    const route = `${request.method} ${request.target}`;
    const answer = {
      'GET /api/v1/site': () => json(200, falsified.site ?? site),
      'POST /api/v1/auth/challenge': () => json(200, challengeOf(request, falsified)),
      'POST /api/v1/auth/sessions': () =>
        json(201, { session_id: 's-1', expires_at: new Date(Date.now() + 3_600_000).toISOString() }),
      'POST /api/v1/auth/tokens': () =>
        json(201, { token: 'wlb_1', token_id: 't-1', expires_at: new Date(Date.now() + 3_600_000).toISOString() }),
    }[route];
    await (answer === undefined ? json(200, { status: 'running' }) : answer())(request, response);
  });
}

function challengeOf({ body }: ReceivedRequest, { message, chainId, serverTime = nowS(), typed: other }: Falsified) {
  const asked = JSON.parse(body);
  const delegation: SessionDelegation = {
    wallet: asked.wallet,
    sessionKey: asked.session_key,
    audience: broker.url,
    statement: delegationStatement,
    scopes: [...asked.scopes].sort().join(' '),
    spendLimit: BigInt(asked.spend_limit),
    issuedAt: serverTime,
    expiresAt: serverTime + (asked.ttl_seconds ?? 86_400),
    nonce: `0x${'ab'.repeat(32)}`,
  };
  const typed = delegationForWallet(delegation, asked.chain_id ?? 1);
  const domain = { ...typed.domain, ...(chainId === undefined ? {} : { chainId }) };
  return {
    typed_data: { ...typed, ...other, domain, message: { ...typed.message, ...message } },
    server_time: serverTime,
  };
}

/** A wallet that counts what it is asked to sign. */
function counting(): LocalCounter {
  const counter: LocalCounter = {
    asked: 0,
    address: wallet.address,
    signTypedData: async (typedData) => {
      counter.asked++;
      return await wallet.signTypedData(typedData);
    },
  };
  return counter;
}

interface LocalCounter {
  asked: number;
  address: `0x${string}`;
  signTypedData: typeof wallet.signTypedData;
}

const client = () => connect({ api: broker.url, retries: 0 });

test.each<[string, Falsified, string]>([
  ['another broker’s audience', { message: { audience: 'https://other.example' } }, 'audience'],
  ['another wallet', { message: { wallet: `0x${'1'.repeat(40)}` } }, 'wallet'],
  ['a key of its own', { message: { sessionKey: `0x${'2'.repeat(40)}` } }, 'sessionKey'],
  ['a text that sounds more harmless', { message: { statement: 'Nothing to see here.' } }, 'statement'],
  ['more scopes', { message: { scopes: 'admin jobs:read jobs:write' } }, 'scopes'],
  ['a higher limit', { message: { spendLimit: '5000000000000000001' } }, 'spendLimit'],
  ['a longer session', { message: { expiresAt: nowS() + 3_601 + 600 } }, 'expiresAt'],
  ['a session that is over before it begins', { message: { expiresAt: 1 } }, 'expiresAt'],
  ['a session that begins later', { message: { issuedAt: nowS() + 1_000, expiresAt: nowS() + 4_600 } }, 'issuedAt'],
  ['a session of next year, by a clock of next year', { serverTime: nowS() + 365 * 86_400 }, 'issuedAt'],
  ['another chain', { chainId: 5 }, 'chainId'],
  ['a limit that is no number', { message: { spendLimit: '0x10' } }, 'spendLimit'],
  ['no message at all', { message: { nonce: null } }, 'nonce'],
  ['a token of so many decimals that a limit becomes another', { site: { token: { decimals: 30 } } }, 'token.decimals'],
])('a broker that proposes %s is refused before the wallet is asked', async (_, falsified, field) => {
  proposing(falsified);
  const signer = counting();
  const login = client().login({ wallet: signer, spendLimit: '5', ttlSeconds: 3_600, chainId: 1 });
  const error = await failure(login);
  expect([error.code, error.data['field']]).toEqual(['protocol', field]);
  expect(signer.asked).toBe(0);
  expect(broker.received.some(({ target }) => target.endsWith('/sessions'))).toBe(false);
});

test('a session whose length was not asked for lasts a day at most', async () => {
  proposing({ message: { expiresAt: nowS() + 86_400 + 60 } });
  const signer = counting();
  const error = await failure(client().login({ wallet: signer }));
  expect([error.code, error.data['field'], signer.asked]).toEqual(['protocol', 'expiresAt', 0]);
});

test('the types and the domain that a broker sends are never what the wallet signs', async () => {
  proposing({ typed: { types: { Transfer: [] }, primaryType: 'Transfer' } });
  const signed: unknown[] = [];
  const signer = {
    address: wallet.address,
    signTypedData: async (data: unknown) => (signed.push(data), '0x00' as const),
  };
  await client().login({ wallet: signer });
  expect(signed[0]).toMatchObject({ primaryType: 'SessionDelegation', domain: { name: 'WorldLand Broker' } });
});

test('after a login requests have a token, which one signed request has made, and operators’ requests are signed', async () => {
  proposing();
  const wl = client();
  const session = await wl.login({ wallet, spendLimit: '2.5', label: 'test' });
  expect(session).toMatchObject({
    wallet: wallet.address.toLowerCase(),
    spendLimit: '2500000000000000000',
    canSign: true,
  });
  await Promise.all([wl.jobs.get('a'), wl.jobs.get('b'), wl.jobs.get('c')]);
  const minted = broker.received.filter(({ target }) => target === '/api/v1/auth/tokens');
  expect(minted).toHaveLength(1);
  expect(minted[0]!.headers['x-session-signature']).toMatch(/^0x[0-9a-f]{130}$/);
  const reads = broker.received.filter(({ target }) => target.startsWith('/api/v1/jobs/'));
  expect(reads.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer wlb_1'));
  await wl.admin.overview();
  expect(broker.received.at(-1)!.headers).toMatchObject({ 'x-session-key': expect.any(String) });
  expect(broker.received.at(-1)!.headers.authorization).toBeUndefined();
});

test('a token that the broker no longer knows is replaced once', async () => {
  proposing();
  const wl = client();
  await wl.login({ wallet });
  await wl.jobs.get('a');
  broker.received.splice(0);
  const minted = json(201, {
    token: 'wlb_2',
    token_id: 't',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  });
  broker.answer(problem(401, 'session_unknown'), minted, json(200, {}));
  await wl.jobs.get('a');
  expect(broker.received.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer wlb_1',
    undefined,
    'Bearer wlb_2',
  ]);
  broker.answer(problem(401, 'session_unknown'), minted, problem(401, 'session_unknown'));
  expect((await failure(wl.jobs.get('a'))).code).toBe('session_unknown');
});

test('a wrong clock is set by the broker’s, once', async () => {
  proposing();
  const wl = client();
  await wl.login({ wallet });
  broker.received.splice(0);
  broker.answer(problem(401, 'timestamp_skew', { server_time: 1_000 }), json(200, {}));
  await wl.admin.overview();
  expect(Number(broker.received[1]!.headers['x-session-timestamp'])).toBeLessThan(1_010);
  const nonces = broker.received.map(({ headers }) => headers['x-session-nonce']);
  expect(new Set(nonces).size).toBe(2);
});

test('a login stays in its store, and in a page’s store without its key', async () => {
  proposing();
  const store = memoryStore();
  await connect({ api: broker.url, store, retries: 0 }).login({ wallet });
  const again = connect({ api: broker.url, store, retries: 0 });
  expect(again.session).toBeUndefined();
  expect(await again.restore()).toMatchObject({ sessionId: 's-1', canSign: true });

  const texts = new Map<string, string>();
  const page = sessionStorageStore({
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, value) => void texts.set(key, value),
    removeItem: (key) => void texts.delete(key),
  });
  const inPage = connect({ api: broker.url, store: page, retries: 0 });
  await inPage.login({ wallet });
  await inPage.jobs.get('a');
  const kept = [...texts.values()].join();
  expect(kept).toContain('wlb_1');
  expect(kept).not.toMatch(/0x[0-9a-f]{64}/);
  const reloaded = connect({ api: broker.url, store: page, retries: 0 });
  expect(await reloaded.restore()).toMatchObject({ canSign: false });
  await reloaded.jobs.get('b');
  expect(broker.received.at(-1)!.headers.authorization).toBe('Bearer wlb_1');
  await expect(page.save('x', { ...(await store.load(broker.url))! })).rejects.toThrow(TypeError);
});

test('a page sends its token whatever its own clock says of it, and the broker decides', async () => {
  const saved = {
    ...{ wallet: wallet.address, sessionId: 's-1', sessionKey: wallet.address, audience: broker.url, chainId: 1 },
    ...{ scopes: [], spendLimit: '0', expiresAt: new Date(0).toISOString() },
    token: { value: 'wlb_1', id: 't', mintedAt: new Date(0).toISOString(), expiresAt: new Date(1).toISOString() },
  };
  const page = { ...memoryStore(), keepsKeys: false, load: async () => structuredClone(saved) };
  broker.answer(json(200, { status: 'running' }), problem(401, 'session_unknown'));
  const client = connect({ api: broker.url, store: page, retries: 0 });
  await client.jobs.get('a');
  expect(broker.received.at(-1)!.headers.authorization).toBe('Bearer wlb_1');
  expect((await failure(client.jobs.get('a'))).code).toBe('session_unknown');
  expect((await failure(client.jobs.get('a'))).code).toBe('not_logged_in');
});

/** A browser's wallet on a chain; `calls` are the methods that it was asked for. */
function browserWallet(chain: number, refuses: Record<string, number> = {}) {
  const calls: string[] = [];
  let active = chain;
  const provider: Eip1193Provider = {
    async request({ method, params }) {
      calls.push(method);
      if (refuses[method] !== undefined) throw Object.assign(new Error('no'), { code: refuses[method] });
      switch (method) {
        case 'eth_requestAccounts':
          return [wallet.address];
        case 'eth_chainId':
          return `0x${active.toString(16)}`;
        case 'wallet_switchEthereumChain':
          active = Number(params[0].chainId);
          return null;
        default: {
          const typed = JSON.parse(params[1]);
          if (typed.domain.chainId !== active) throw new Error('wrong chain');
          const { EIP712Domain: _, ...types } = typed.types;
          return await wallet.signTypedData({ ...typed, types });
        }
      }
    },
  };
  return { provider, calls };
}

test('a browser wallet signs for its active chain if the broker accepts it, and is asked to change it if not', async () => {
  proposing();
  const here = browserWallet(103);
  await client().login({ wallet: here.provider });
  expect(here.calls).not.toContain('wallet_switchEthereumChain');
  const body = JSON.parse(broker.received.at(-1)!.body);
  expect(body.chain_id).toBe(103);
  const typed = delegationForWallet(body.message, body.chain_id);
  const { EIP712Domain: _, ...types } = typed.types;
  const [spendLimit, issuedAt, expiresAt] = (['spendLimit', 'issuedAt', 'expiresAt'] as const).map((name) =>
    BigInt(typed.message[name]),
  ) as [bigint, bigint, bigint];
  const message = { ...typed.message, spendLimit, issuedAt, expiresAt };
  const signer = await recoverTypedDataAddress({ ...typed, types, message, signature: body.signature });
  expect(signer).toBe(wallet.address);

  const elsewhere = browserWallet(56);
  await client().login({ wallet: elsewhere.provider });
  expect(elsewhere.calls).toContain('wallet_switchEthereumChain');
  expect(JSON.parse(broker.received.at(-1)!.body).chain_id).toBe(1);
});

test.each<[string, Signer, string]>([
  ['refuses to sign', browserWallet(1, { eth_signTypedData_v4: 4001 }).provider, 'wallet_rejected'],
  ['refuses to connect', browserWallet(1, { eth_requestAccounts: 4001 }).provider, 'wallet_rejected'],
  ['does not know the chain', browserWallet(56, { wallet_switchEthereumChain: 4902 }).provider, 'wallet_wrong_chain'],
  ['fails', browserWallet(1, { eth_signTypedData_v4: -32603 }).provider, 'wallet_failed'],
])('a wallet that %s opens no session', async (_, signer, code) => {
  proposing();
  expect((await failure(client().login({ wallet: signer }))).code).toBe(code);
  expect(broker.received.some(({ target }) => target.endsWith('/sessions'))).toBe(false);
});

test('a login that is signed elsewhere is checked as any other before its session is opened', async () => {
  proposing();
  const wl = client();
  const begun = await wl.beginLogin({ spendLimit: '5', ttlSeconds: 3_600 });
  const request = {
    body: JSON.stringify({
      wallet: wallet.address,
      session_key: begun.sessionKey,
      scopes: begun.scopes,
      spend_limit: begun.spendLimit,
      ttl_seconds: 3_600,
    }),
  };
  const signedFor = (falsified: Falsified) => challengeOf(request as ReceivedRequest, falsified).typed_data;
  const more = signedFor({ message: { spendLimit: '6000000000000000000' } });
  const error = await failure(begun.finish({ message: more.message, chainId: 1, signature: '0x00' }));
  expect([error.code, error.data['field']]).toEqual(['protocol', 'spendLimit']);
  const { message } = signedFor({});
  expect((await failure(begun.finish({ message, chainId: 1, signature: 'nothing' }))).code).toBe('protocol');
  const session = await begun.finish({ message, chainId: 1, signature: `0x${'1b'.repeat(65)}` });
  expect(session.sessionKey).toBe(begun.sessionKey);
  expect(wl.session).toMatchObject({ sessionId: 's-1' });
});

test('a scope or a limit that does not exist is refused before anything is sent', async () => {
  proposing();
  expect((await failure(client().login({ wallet, scopes: ['jobs:all' as never] }))).code).toBe('validation_failed');
  expect((await failure(client().login({ wallet, spendLimit: 'lots' }))).code).toBe('validation_failed');
  expect(broker.received.filter(({ method }) => method === 'POST')).toEqual([]);
});
