import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { codes, newWallet, signedHeaders, type Api } from '../support/api.js';
import { loggedIn, me, sendingSigned, type HeldSession } from '../support/login.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { withHighS } from '../support/signatures.js';

/** A fixed time for authentication's clock; undefined for the real clock. */
let frozenMs: number | undefined;

let replicas: Replicas;
let api: Api;
let other: Api;

beforeAll(async () => {
  replicas = await startReplicas({ now: () => frozenMs ?? Date.now() });
  ({ api, other } = replicas);
  session = await loggedIn(api);
});
afterAll(async () => {
  await replicas.stop();
});
let session: HeldSession;

/** Uses the session of these tests and the first replica by default. */
const sendSigned = sendingSigned(() => ({ by: session.key, at: api }));

describe('a signed request', () => {
  test('a signed request is answered, with its query and body exactly as sent', async () => {
    expect((await sendSigned()).json).toMatchObject({ kind: 'signed', session_id: session.id });
    expect((await sendSigned({ target: '/api/v1/jobs?limit=%35&status=runnin%67' })).status).toBe(200);
    // The API validates the request only after the signature.
    expect((await sendSigned({ target: `${me}?x=1%2F&y=%C3%BC` })).json.code).toBe('validation_failed');
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
    [
      'timestamp',
      {},
      {
        // As of the test: one of when the file was loaded may be too old by then.
        get headers() {
          return { 'x-session-timestamp': String(Math.floor(Date.now() / 1000) - 30) };
        },
      },
    ],
    ['nonce', {}, { headers: { 'x-session-nonce': 'AAECAwQFBgcICQoLDA0ODw' } }],
    ['audience', { audience: 'https://evil.example.com' }, {}],
  ])('a request with a %s other than the signed one is refused', async (_, signed, sent) => {
    expect((await sendSigned(signed, sent)).json.code).toBe('signature_invalid');
  });

  test('a request in the name of another session’s key is refused', async () => {
    const victim = await loggedIn(api);
    const forged = await sendSigned({}, { headers: { 'x-session-key': victim.key.address } });
    expect(forged.json.code).toBe('signature_invalid');
  });

  test('a request of a key without a session is refused, even if it is the wallet’s own key', async () => {
    expect((await sendSigned({ by: newWallet() })).json.code).toBe('session_unknown');
    expect((await sendSigned({ by: session.wallet })).json.code).toBe('session_unknown');
  });

  test.each<[string, (signature: string) => string]>([
    ['high s', withHighS],
    ['64 bytes', (signature) => signature.slice(0, 130)],
    ['66 bytes', (signature) => `${signature}00`],
    ['another v', (signature) => `${signature.slice(0, 130)}${signature.endsWith('1b') ? '1c' : '1b'}`],
    ['an invalid v', (signature) => `${signature.slice(0, 130)}1d`],
    ['only zeros', () => `0x${'0'.repeat(128)}1b`],
  ])('a request with a signature of %s is refused', async (_, spoil) => {
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
  ])('a request whose %s is %j is refused as malformed', async (name, value) => {
    expect((await sendSigned({}, { headers: { [name]: value } })).json.code).toBe('malformed_request');
  });

  test.each(['x-session-key', 'x-session-timestamp', 'x-session-nonce', 'x-session-signature'])(
    'a request without %s is refused as malformed',
    async (name) => {
      const { [name]: _, ...headers } = await signedHeaders(session.key, { method: 'GET', target: me });
      expect((await api.send('GET', me, { headers })).json.code).toBe('malformed_request');
    },
  );

  test('a request with both a signature and a token is refused, whichever of the two is valid', async () => {
    const { json } = await sendSigned({ method: 'POST', target: '/api/v1/auth/tokens', body: {} });
    const replies = await Promise.all([
      sendSigned({}, { headers: { authorization: `Bearer ${json.token}` } }),
      sendSigned({ by: newWallet() }, { headers: { authorization: `Bearer ${json.token}` } }),
      sendSigned({}, { headers: { authorization: 'Bearer none' } }),
      api.send('GET', me, { bearer: json.token, headers: { 'x-session-nonce': 'anything' } }),
    ]);
    expect(codes(replies)).toEqual(Array(4).fill('auth_ambiguous'));
  });

  test('the reason for a refusal is also in WWW-Authenticate', async () => {
    const { status, headers } = await sendSigned({ by: newWallet() });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('error="session_unknown"');
  });
});

describe('a nonce', () => {
  test('a nonce is accepted once, whichever replica gets it', async () => {
    const headers = await signedHeaders(session.key, { method: 'GET', target: me });
    expect((await api.send('GET', me, { headers })).status).toBe(200);
    expect((await api.send('GET', me, { headers })).json.code).toBe('nonce_reused');
    expect((await other.send('GET', me, { headers })).json.code).toBe('nonce_reused');
  });

  test('a nonce is accepted once even for two concurrent requests', async () => {
    const headers = await signedHeaders(session.key, { method: 'GET', target: me });
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? api : other).send('GET', me, { headers })),
    );
    expect(codes(replies)).toEqual([200, ...Array<string>(11).fill('nonce_reused')]);
  });

  test('a nonce is not used up by somebody who cannot sign', async () => {
    const headers = await signedHeaders(session.key, { method: 'GET', target: me });
    const forged = { ...headers, 'x-session-signature': `0x${'1'.repeat(128)}1b` };
    expect((await api.send('GET', me, { headers: forged })).json.code).toBe('signature_invalid');
    // The nonce was not stored: otherwise strangers could fill Redis.
    expect(await replicas.redis.redis.keys(`auth:rn:*${headers['x-session-nonce']}`)).toEqual([]);
    expect((await api.send('GET', me, { headers })).status).toBe(200);
    expect(await replicas.redis.redis.keys(`auth:rn:*${headers['x-session-nonce']}`)).toHaveLength(1);
  });

  test('a nonce belongs to its key: another key may use the same one', async () => {
    const nonce = 'the-same-for-both-of-us';
    const another = await loggedIn(api);
    expect((await sendSigned({ nonce })).status).toBe(200);
    expect((await sendSigned({ nonce, by: another.key })).status).toBe(200);
  });

  test('a nonce is kept until no timestamp that it was sent with is valid any more', async () => {
    const nonce = 'kept-for-long-enough';
    await sendSigned({ nonce });
    const ttlS = await replicas.redis.redis.ttl(`auth:rn:${session.key.address.toLowerCase()}:${nonce}`);
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
  ])('a request whose timestamp is off by %i s gets %s', async (offsetS, expected) => {
    frozenMs = Date.now();
    const timestamp = Math.floor(frozenMs / 1000) + offsetS;
    const reply = await sendSigned({ timestamp });
    expect(reply.json.code ?? reply.status).toBe(expected);
    if (reply.status === 401) expect(reply.json.server_time).toBe(Math.floor(frozenMs / 1000));
    frozenMs = undefined;
  });

  test('a client corrects its clock by the time that the broker returns', async () => {
    const mine = await api.login();
    frozenMs = Date.now() + 600_000;
    expect((await mine.request('GET', me)).status).toBe(200);
    frozenMs = undefined;
  });
});

test('behind a proxy that strips a path prefix, clients sign the path that they send', async () => {
  const behind = await replicas.start({ env: { AUTH_TARGET_PREFIX: '/broker' } });
  const replies = await Promise.all([
    sendSigned({ at: behind, target: `/broker${me}` }, { target: me }),
    sendSigned({ at: behind, target: me }),
  ]);
  expect(codes(replies)).toEqual([200, 'signature_invalid']);
  await behind.stop();
});
