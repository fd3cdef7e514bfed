import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { revocationTypedData, type SessionRevocation } from '../../src/auth/typed-data.js';
import {
  audience,
  newWallet,
  signedHeaders,
  startApi,
  type Api,
  type Reply,
  type RequestToSign,
} from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { startLine, type Line } from '../support/line.js';
import { beginLogin, finishLogin } from '../support/login.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const me = '/api/v1/auth/me';
/** A moment of authentication's clock that stands still, or undefined for the real one. */
let frozenMs: number | undefined;

let database: TestDatabase;
let redis: TestRedis;
let api: Api;
let other: Api;
/** Everything a session's owner holds. */
let session: { wallet: PrivateKeyAccount; key: PrivateKeyAccount; id: string };

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const options = { database, redis, now: () => frozenMs ?? Date.now() };
  [api, other] = await Promise.all([startApi(options), startApi(options)]);
  session = await loggedIn();
});
afterAll(async () => {
  await Promise.all([api?.stop(), other?.stop()]);
  await Promise.all([database.close(), redis.close()]);
});

async function loggedIn(body: object = {}, at = api) {
  const underWay = await beginLogin(at, { body });
  const { json } = await finishLogin(at, underWay);
  return { wallet: underWay.wallet, key: underWay.key, id: json.session_id as string };
}

/** Signs a request and sends it, with what is to be wrong about it put in between. */
async function sendSigned(
  request: Partial<RequestToSign> & { by?: PrivateKeyAccount; at?: Api } = {},
  sent: { method?: string; target?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { by = session.key, at = api, ...given } = request;
  const toSign = { method: 'GET', target: me, ...given };
  const headers = { ...(await signedHeaders(by, toSign)), ...sent.headers };
  const body = 'body' in sent ? sent.body : toSign.body;
  return await at.send(sent.method ?? toSign.method, sent.target ?? toSign.target, { body, headers });
}

const codes = (replies: Reply[]) => replies.map(({ status, json }) => json?.code ?? status).sort();

describe('a signed request', () => {
  test('is answered, with its query as it was sent and its body as it was sent', async () => {
    expect((await sendSigned()).json).toMatchObject({ kind: 'signed', session_id: session.id });
    expect((await sendSigned({ target: `${me}?x=1%2F&y=%41&x=%C3%BC` })).status).toBe(200);
    expect(
      (await sendSigned({ method: 'POST', target: '/api/v1/auth/tokens', body: { ttl_seconds: 60 } })).status,
    ).toBe(201);
  });

  test.each<[string, Parameters<typeof sendSigned>[0], Parameters<typeof sendSigned>[1]]>([
    ['method', { method: 'GET', target: '/api/v1/auth/sessions' }, { method: 'DELETE' }],
    ['path', { target: '/api/v1/auth/sessions' }, { target: me }],
    ['query', { target: `${me}?x=1` }, { target: `${me}?x=2` }],
    ['notation of the query', { target: `${me}?x=A` }, { target: `${me}?x=%41` }],
    ['query, added', {}, { target: `${me}?x` }],
    [
      'body',
      { method: 'POST', target: '/api/v1/auth/tokens', body: { ttl_seconds: 60 } },
      { body: { ttl_seconds: 61 } },
    ],
    ['body, added', { method: 'POST', target: '/api/v1/auth/tokens' }, { body: {} }],
    ['timestamp', {}, { headers: { 'x-session-timestamp': String(Math.floor(Date.now() / 1000) - 1) } }],
    ['nonce', {}, { headers: { 'x-session-nonce': 'AAECAwQFBgcICQoLDA0ODw' } }],
    ['audience', { audience: 'https://evil.example.com' }, {}],
  ])('with another %s than was signed is refused', async (_, signed, sent) => {
    expect((await sendSigned(signed, sent)).json.code).toBe('signature_invalid');
  });

  test('in the name of another session’s key is refused', async () => {
    const victim = await loggedIn();
    const forged = await sendSigned({}, { headers: { 'x-session-key': victim.key.address } });
    expect(forged.json.code).toBe('signature_invalid');
  });

  test('of a key without a session is refused, also when it is the wallet’s own', async () => {
    expect((await sendSigned({ by: newWallet() })).json.code).toBe('session_unknown');
    expect((await sendSigned({ by: session.wallet })).json.code).toBe('session_unknown');
  });

  test.each<[string, (signature: string) => string]>([
    ['high s', withHighS],
    ['64 bytes', (signature) => signature.slice(0, 130)],
    ['66 bytes', (signature) => `${signature}00`],
    ['another v', (signature) => `${signature.slice(0, 130)}${signature.endsWith('1b') ? '1c' : '1b'}`],
    ['a v that none is', (signature) => `${signature.slice(0, 130)}1d`],
    ['zeros', () => `0x${'0'.repeat(128)}1b`],
  ])('with a signature of %s is refused', async (_, spoil) => {
    const headers = await signedHeaders(session.key, { method: 'GET', target: me });
    const spoilt = { ...headers, 'x-session-signature': spoil(headers['x-session-signature']!) };
    expect((await api.send('GET', me, { headers: spoilt })).json.code).toBe('signature_invalid');
  });

  test.each([
    ['x-session-key', '0x1234'],
    ['x-session-timestamp', '1e9'],
    ['x-session-timestamp', '-1'],
    ['x-session-nonce', 'short'],
    ['x-session-nonce', 'a'.repeat(65)],
    ['x-session-nonce', 'has a space in it'],
  ])('whose %s is %j is malformed', async (name, value) => {
    expect((await sendSigned({}, { headers: { [name]: value } })).json.code).toBe('malformed_request');
  });

  test.each(['x-session-key', 'x-session-timestamp', 'x-session-nonce', 'x-session-signature'])(
    'without %s is malformed',
    async (name) => {
      const { [name]: _, ...headers } = await signedHeaders(session.key, { method: 'GET', target: me });
      expect((await api.send('GET', me, { headers })).json.code).toBe('malformed_request');
    },
  );

  test('with a token beside it is refused, whichever of the two is good', async () => {
    const { json } = await sendSigned({ method: 'POST', target: '/api/v1/auth/tokens', body: {} });
    const replies = await Promise.all([
      sendSigned({}, { headers: { authorization: `Bearer ${json.token}` } }),
      sendSigned({ by: newWallet() }, { headers: { authorization: `Bearer ${json.token}` } }),
      sendSigned({}, { headers: { authorization: 'Bearer none' } }),
      api.send('GET', me, { bearer: json.token, headers: { 'x-session-nonce': 'anything' } }),
    ]);
    expect(codes(replies)).toEqual(Array(4).fill('auth_ambiguous'));
  });

  test('names what is wrong in WWW-Authenticate too', async () => {
    const { status, headers } = await sendSigned({ by: newWallet() });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('error="session_unknown"');
  });
});

function withHighS(signature: string): string {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
  return `${signature.slice(0, 66)}${s}${signature.endsWith('1b') ? '1c' : '1b'}`;
}

describe('a nonce', () => {
  test('is used once, whichever replica saw it', async () => {
    const headers = await signedHeaders(session.key, { method: 'GET', target: me });
    expect((await api.send('GET', me, { headers })).status).toBe(200);
    expect((await api.send('GET', me, { headers })).json.code).toBe('nonce_reused');
    expect((await other.send('GET', me, { headers })).json.code).toBe('nonce_reused');
  });

  test('is used once by twins that arrive together', async () => {
    const headers = await signedHeaders(session.key, { method: 'GET', target: me });
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? api : other).send('GET', me, { headers })),
    );
    expect(codes(replies)).toEqual([200, ...Array<string>(11).fill('nonce_reused')]);
  });

  test('is not used up by somebody who cannot sign', async () => {
    const headers = await signedHeaders(session.key, { method: 'GET', target: me });
    const forged = { ...headers, 'x-session-signature': `0x${'1'.repeat(128)}1b` };
    expect((await api.send('GET', me, { headers: forged })).json.code).toBe('signature_invalid');
    expect((await api.send('GET', me, { headers })).status).toBe(200);
    expect((await redis.redis.keys('auth:rn:*')).every((key) => !key.includes('undefined'))).toBe(true);
  });

  test('belongs to its key: another may use the same', async () => {
    const nonce = 'the-same-for-both-of-us';
    const another = await loggedIn();
    expect((await sendSigned({ nonce })).status).toBe(200);
    expect((await sendSigned({ nonce, by: another.key })).status).toBe(200);
  });

  test('is kept until no timestamp that it was sent with is good any more', async () => {
    const nonce = 'kept-for-long-enough';
    await sendSigned({ nonce });
    const ttlS = await redis.redis.ttl(`auth:rn:${session.key.address.toLowerCase()}:${nonce}`);
    expect(ttlS).toBeGreaterThan(2 * api.config.AUTH_MAX_SKEW_S);
  });
});

describe('a timestamp', () => {
  test.each([
    [-61, 'timestamp_skew'],
    [-59, 200],
    [0, 200],
    [59, 200],
    [61, 'timestamp_skew'],
  ])('that is off by %i s: %s', async (offsetS, expected) => {
    frozenMs = Date.now();
    const timestamp = Math.floor(frozenMs / 1000) + offsetS;
    const reply = await sendSigned({ timestamp });
    expect(reply.json.code ?? reply.status).toBe(expected);
    if (reply.status === 401) expect(reply.json.server_time).toBe(Math.floor(frozenMs / 1000));
    frozenMs = undefined;
  });

  test('that the broker calls wrong is set right by the client itself', async () => {
    const mine = await api.login();
    frozenMs = Date.now() + 600_000;
    expect((await mine.request('GET', me)).status).toBe(200);
    frozenMs = undefined;
  });
});

test('behind a proxy that takes off the beginning of the path, clients sign the path that they send', async () => {
  const behind = await startApi({ database, redis, env: { AUTH_TARGET_PREFIX: '/broker' } });
  const replies = await Promise.all([
    sendSigned({ at: behind, target: `/broker${me}` }, { target: me }),
    sendSigned({ at: behind, target: me }),
  ]);
  expect(codes(replies)).toEqual([200, 'signature_invalid']);
  await behind.stop();
});

describe.each(['cut', 'stall'] as const)('while Redis is away (%s)', (how) => {
  let line: Line;
  let cutOff: Api;
  let bearer: string;

  beforeAll(async () => {
    line = await startLine({ host: redis.config.REDIS_HOST, port: redis.config.REDIS_PORT });
    cutOff = await startApi({ database, redis, env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(line.port) } });
    const { json } = await sendSigned({ at: cutOff, method: 'POST', target: '/api/v1/auth/tokens', body: {} });
    bearer = json.token;
    await line[how]();
  });
  afterAll(async () => {
    await line.mend();
    await cutOff.stop();
    await line.close();
  });

  test('a signed request fails closed', async () => {
    const { status, json, headers } = await sendSigned({ at: cutOff });
    expect([status, json.code]).toEqual([503, 'auth_backend_unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('a login fails closed', async () => {
    const body = { wallet: newWallet().address, session_key: newWallet().address };
    expect((await cutOff.send('POST', '/api/v1/auth/challenge', { body })).json.code).toBe('auth_backend_unavailable');
    const underWay = await beginLogin(api);
    expect((await finishLogin(cutOff, underWay)).json.code).toBe('auth_backend_unavailable');
  });

  test('a token goes on working, and a revoked one does not', async () => {
    expect((await cutOff.send('GET', me, { bearer })).status).toBe(200);
    const stolen = await loggedIn();
    const token = (await sendSigned({ by: stolen.key, method: 'POST', target: '/api/v1/auth/tokens', body: {} })).json
      .token;
    expect((await cutOff.send('DELETE', `/api/v1/auth/sessions/${stolen.id}`, { bearer: token })).status).toBe(204);
    expect((await cutOff.send('GET', me, { bearer: token })).json.code).toBe('session_revoked');
  });

  test('a wallet gets rid of a thief by its own signature', async () => {
    const stolen = await loggedIn();
    const message: SessionRevocation = {
      wallet: stolen.wallet.address.toLowerCase() as Hex,
      sessionKey: stolen.key.address.toLowerCase() as Hex,
      audience,
      issuedAt: Math.floor(Date.now() / 1000),
      nonce: `0x${'ab'.repeat(32)}`,
    };
    const signature = await stolen.wallet.signTypedData(revocationTypedData(message, 1));
    const sent = { message, chain_id: 1, signature };
    expect((await cutOff.send('POST', '/api/v1/auth/revoke', { body: sent })).status).toBe(204);
    expect((await sendSigned({ by: stolen.key })).json.code).toBe('session_revoked');
  });

  test('strangers are still counted', async () => {
    const strict = await startApi({
      database,
      redis,
      env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(line.port), RATE_LIMIT_AUTH_FAILURES: '2' },
    });
    const guesses = [];
    for (let i = 0; i < 4; i++) guesses.push(await strict.send('GET', me, { bearer: `wlb_${'x'.repeat(43)}` }));
    expect(codes(guesses)).toEqual(['rate_limited', 'rate_limited', 'session_unknown', 'session_unknown']);
    await strict.stop();
  });

  test('and when it is back, signed requests are answered again', async () => {
    await line.mend();
    await until(async () => (await sendSigned({ at: cutOff })).status === 200, { everyMs: 100 });
  });
});

describe('limits', () => {
  const from = (ip: string) => ({ 'x-forwarded-for': ip });
  const bad = `wlb_${'x'.repeat(43)}`;

  test('an address that begins too many logins for a wallet is told when to come back', async () => {
    const limited = await startApi({ database, redis, env: { TRUST_PROXY: 'true', RATE_LIMIT_CHALLENGES: '2' } });
    const wallet = newWallet().address;
    const ask = (of: string, ip: string) =>
      limited.send('POST', '/api/v1/auth/challenge', {
        body: { wallet: of, session_key: newWallet().address },
        headers: from(ip),
      });
    expect(codes([await ask(wallet, '203.0.113.1'), await ask(wallet, '203.0.113.1')])).toEqual([200, 200]);
    const refused = await ask(wallet, '203.0.113.1');
    expect([refused.status, refused.json.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    // The wallet's owner, who is somewhere else, is not kept out by that.
    expect((await ask(wallet, '203.0.113.2')).status).toBe(200);
    expect((await ask(newWallet().address, '203.0.113.1')).status).toBe(200);
    await limited.stop();
  });

  test('an address asks a route that is open to strangers so often and no more', async () => {
    const limited = await startApi({ database, redis, env: { TRUST_PROXY: 'true', RATE_LIMIT_AUTH: '2' } });
    const ask = (ip: string) =>
      limited.send('POST', '/api/v1/auth/challenge', {
        body: { wallet: newWallet().address, session_key: newWallet().address },
        headers: from(ip),
      });
    const replies = [await ask('203.0.113.11'), await ask('203.0.113.11'), await ask('203.0.113.11')];
    expect(codes(replies)).toEqual([200, 200, 'rate_limited']);
    expect((await ask('203.0.113.12')).status).toBe(200);
    await limited.stop();
  });

  test('an address finishes so many logins and no more, and a wallet elsewhere is not kept out', async () => {
    const limited = await startApi({ database, redis, env: { TRUST_PROXY: 'true', RATE_LIMIT_LOGINS: '2' } });
    const attempt = async (ip: string) =>
      await finishLogin(limited, await beginLogin(limited, { headers: from(ip) }), { headers: from(ip) });
    const replies = [await attempt('203.0.113.21'), await attempt('203.0.113.21'), await attempt('203.0.113.21')];
    expect(codes(replies)).toEqual([201, 201, 'rate_limited']);
    expect(Number(replies[2]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await attempt('203.0.113.22')).status).toBe(201);
    await limited.stop();
  });

  test('an address that guesses credentials is refused for a while, with good ones too', async () => {
    const env = { TRUST_PROXY: 'true', RATE_LIMIT_AUTH_FAILURES: '3' };
    const [limited, replica] = await Promise.all([
      startApi({ database, redis, env }),
      startApi({ database, redis, env }),
    ]);
    const guess = (at: Api, ip: string) => at.send('GET', me, { bearer: bad, headers: from(ip) });
    // Over both replicas.
    const guesses = [
      await guess(limited, '203.0.113.31'),
      await guess(replica, '203.0.113.31'),
      await guess(limited, '203.0.113.31'),
    ];
    expect(codes(guesses)).toEqual(Array(3).fill('session_unknown'));
    expect((await guess(replica, '203.0.113.31')).json.code).toBe('rate_limited');
    const good = await sendSigned({ at: replica }, { headers: from('203.0.113.31') });
    expect([good.status, good.json.code]).toEqual([429, 'rate_limited']);
    expect(Number(good.headers.get('retry-after'))).toBeGreaterThan(60);
    expect((await sendSigned({ at: replica }, { headers: from('203.0.113.32') })).status).toBe(200);
    await Promise.all([limited.stop(), replica.stop()]);
  });

  test('a clock that is wrong and a session that is over are no guesses', async () => {
    const limited = await startApi({ database, redis, env: { TRUST_PROXY: 'true', RATE_LIMIT_AUTH_FAILURES: '1' } });
    const over = await loggedIn();
    await sendSigned({ by: over.key, method: 'DELETE', target: '/api/v1/auth/sessions' });
    const headers = from('203.0.113.41');
    for (let i = 0; i < 3; i++) {
      expect((await sendSigned({ at: limited, by: over.key }, { headers })).json.code).toBe('session_revoked');
      expect((await sendSigned({ at: limited, timestamp: 1 }, { headers })).json.code).toBe('timestamp_skew');
    }
    expect((await sendSigned({ at: limited }, { headers })).status).toBe(200);
    await limited.stop();
  });

  test('a wallet reads so often and no more, over all replicas and sessions', async () => {
    const env = { RATE_LIMIT_READS: '2' };
    const [limited, replica] = await Promise.all([
      startApi({ database, redis, env }),
      startApi({ database, redis, env }),
    ]);
    const mine = await loggedIn();
    expect((await sendSigned({ at: limited, by: mine.key })).status).toBe(200);
    expect((await sendSigned({ at: replica, by: mine.key })).status).toBe(200);
    const third = await sendSigned({ at: limited, by: mine.key });
    expect([third.status, third.json.code]).toEqual([429, 'rate_limited']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    await Promise.all([limited.stop(), replica.stop()]);
  });
});
