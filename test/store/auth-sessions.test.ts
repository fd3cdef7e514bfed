import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { zeroAddress, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import type { Session } from '../../src/client/session.js';
import { revocationTypedData, type SessionRevocation } from '../../src/wire/session-typed-data.js';
import { audience, codes, newWallet, type Api } from '../support/api.js';
import { beginLogin, finishLogin } from '../support/login.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { flipped } from '../support/signatures.js';

const clock = { offsetMs: 0 };
let replicas: Replicas;
let api: Api;
let other: Api;

beforeAll(async () => {
  replicas = await startReplicas({
    env: { AUTH_CHAIN_IDS: '1,103', AUTH_MAX_TOKENS: '3' },
    now: () => Date.now() + clock.offsetMs,
  });
  ({ api, other } = replicas);
});
afterAll(async () => {
  await replicas.stop();
});

/** Moves authentication's clock forward by hours, and back afterwards. */
async function later<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  clock.offsetMs += seconds * 1000;
  try {
    return await work();
  } finally {
    clock.offsetMs -= seconds * 1000;
  }
}

const me = (session: Session) => session.request('GET', '/api/v1/auth/me');

describe('a token', () => {
  test('a token speaks for its session with the scopes it was given', async () => {
    const session = await api.login({ scopes: ['jobs:read', 'jobs:write', 'providers:read'] });
    const token = await session.token({ scopes: ['jobs:read'] });
    expect(token).toMatch(/^wlb_[A-Za-z0-9_-]{43}$/);
    const { json } = await other.send('GET', '/api/v1/auth/me', { bearer: token });
    expect(json).toMatchObject({
      kind: 'bearer',
      wallet: session.wallet,
      scopes: ['jobs:read'],
      token_id: expect.any(String),
    });
  });

  test('a token has no scope that its session lacks', async () => {
    const session = await api.login({ scopes: ['jobs:read'] });
    await expect(session.token({ scopes: ['jobs:read', 'jobs:write'] })).rejects.toMatchObject({
      code: 'scope_denied',
    });
  });

  test('a token cannot create tokens and cannot revoke everything', async () => {
    const session = await api.login();
    const bearer = await session.token();
    const refused = [
      await api.send('POST', '/api/v1/auth/tokens', { bearer, body: {} }),
      await api.send('DELETE', '/api/v1/auth/sessions', { bearer }),
    ];
    expect(codes(refused)).toEqual(['auth_required', 'auth_required']);
    expect((await me(session)).status).toBe(200);
  });

  test('a token lasts no longer than its session and no longer than requested', async () => {
    const session = await api.login({ ttlSeconds: 120 });
    const [long, short] = [await session.token({ ttlSeconds: 3_600 }), await session.token({ ttlSeconds: 60 })];
    const seen = (bearer: string) => api.send('GET', '/api/v1/auth/me', { bearer });
    expect(codes(await later(61, () => Promise.all([seen(long), seen(short)])))).toEqual([200, 'session_expired']);
    expect(codes([await later(121, () => seen(long))])).toEqual(['session_expired']);
  });

  test('a token is stored nowhere', async () => {
    const session = await api.login();
    const token = await session.token();
    const { rows } = await replicas.database.pool.query<{ row: string }>(
      'select row_to_json(t)::text as row from auth_tokens t',
    );
    expect(rows.some(({ row }) => row.includes(token.slice(4)))).toBe(false);
    expect(api.logged.join()).not.toContain(token.slice(4));
    const keys = await replicas.redis.redis.keys('*');
    expect(keys.join()).not.toContain(token.slice(4));
  });

  test('a session cannot exceed its number of tokens, even with many concurrent requests', async () => {
    const session = await api.login();
    const made = await Promise.allSettled(Array.from({ length: 6 }, () => session.token()));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  test.each(['', 'Bearer', 'Bearer wlb_short', `Bearer wlb_${'a'.repeat(43)}`, 'Basic d2xiOg==', 'Bearer a b'])(
    'a request with the Authorization header "%s" is refused',
    async (authorization) => {
      const { status, json } = await api.send('GET', '/api/v1/auth/me', { headers: { authorization } });
      expect(status).toBe(401);
      expect(['auth_required', 'session_unknown']).toContain(json.code);
    },
  );
});

describe('revocation as seen by the other replica', () => {
  test('revoking a session ends the session and its tokens', async () => {
    const account = newWallet();
    const [lost, kept] = [await api.login({ account }), await api.login({ account })];
    const bearer = await lost.token();
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).status).toBe(200);
    expect((await kept.request('DELETE', `/api/v1/auth/sessions/${lost.sessionId}`)).status).toBe(204);
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).json.code).toBe('session_revoked');
    expect((await me(lost)).body).toMatchObject({ code: 'session_revoked' });
    expect((await me(kept)).status).toBe(200);
  });

  test('revoking a token ends that token only', async () => {
    const session = await api.login();
    const [bearer, kept] = [await session.token(), await session.token()];
    const { json } = await api.send('GET', '/api/v1/auth/me', { bearer });
    expect((await api.send('DELETE', `/api/v1/auth/tokens/${json.token_id}`, { bearer: kept })).status).toBe(204);
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).json.code).toBe('session_revoked');
    expect((await other.send('GET', '/api/v1/auth/me', { bearer: kept })).status).toBe(200);
  });

  test('revoking everything ends all sessions of the wallet and its unfinished login', async () => {
    const account = newWallet();
    const [one, two] = [await api.login({ account }), await api.login({ account })];
    const stranger = await api.login();
    const bearer = await two.token();
    const underWay = await beginLogin(other, { wallet: account });
    expect((await one.request('DELETE', '/api/v1/auth/sessions')).status).toBe(204);
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).json.code).toBe('session_revoked');
    expect((await me(one)).body).toMatchObject({ code: 'session_revoked' });
    expect((await finishLogin(other, underWay)).json.code).toBe('challenge_invalid');
    expect((await me(stranger)).status).toBe(200);
    // The wallet itself can still log in.
    expect((await me(await other.login({ account }))).status).toBe(200);
  });
});

describe('revocation by a signature of the wallet', () => {
  const revocation = (
    wallet: PrivateKeyAccount,
    sessionKey: string,
    change: Partial<SessionRevocation> = {},
  ): SessionRevocation => ({
    wallet: wallet.address.toLowerCase() as Hex,
    sessionKey: sessionKey as Hex,
    audience,
    issuedAt: Math.floor(Date.now() / 1000),
    nonce: `0x${randomBytes(32).toString('hex')}`,
    ...change,
  });
  const sign = (wallet: PrivateKeyAccount, message: SessionRevocation, chainId = 1) =>
    wallet.signTypedData(revocationTypedData(message, chainId));
  const revoke = async (message: SessionRevocation, signature: Hex, chainId = 1) =>
    await api.send('POST', '/api/v1/auth/revoke', { body: { message, chain_id: chainId, signature } });

  test('a wallet’s signature revokes a session whose key is lost', async () => {
    const account = newWallet();
    const [lost, kept] = [await api.login({ account }), await api.login({ account })];
    const bearer = await lost.token();
    const message = revocation(account, lost.sessionKey);
    expect((await revoke(message, await sign(account, message))).status).toBe(204);
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).json.code).toBe('session_revoked');
    expect((await me(kept)).status).toBe(200);
  });

  test('a wallet’s signature revokes everything once: a replay does not end later sessions', async () => {
    const account = newWallet();
    const old = await api.login({ account });
    const message = revocation(account, zeroAddress);
    const signature = await sign(account, message);
    expect((await revoke(message, signature)).status).toBe(204);
    expect((await me(old)).body).toMatchObject({ code: 'session_revoked' });
    const since = await api.login({ account });
    expect((await revoke(message, signature)).json.code).toBe('nonce_reused');
    expect((await me(since)).status).toBe(200);
  });

  test('a wallet’s signature revokes nothing of another wallet', async () => {
    const [victim, account] = [await api.login(), newWallet()];
    const theirs = revocation(account, victim.sessionKey);
    expect((await revoke(theirs, await sign(account, theirs))).json.code).toBe('session_not_found');
    const forged = { ...theirs, wallet: victim.wallet as Hex };
    expect((await revoke(forged, await sign(account, forged))).json.code).toBe('signature_invalid');
    expect((await me(victim)).status).toBe(200);
  });

  test.each<[string, string, (message: SessionRevocation) => Partial<SessionRevocation>]>([
    ['sessionKey', 'signature_invalid', () => ({ sessionKey: zeroAddress })],
    ['audience', 'validation_failed', (message) => ({ audience: `${message.audience}.evil` })],
    ['issuedAt', 'signature_invalid', (message) => ({ issuedAt: message.issuedAt - 1 })],
    ['nonce', 'signature_invalid', (message) => ({ nonce: flipped(message.nonce) })],
    ['issuedAt of long ago', 'timestamp_skew', (message) => ({ issuedAt: message.issuedAt - 310 })],
  ])('a wallet’s signature revokes nothing when the %s is not the one that was signed', async (_, code, change) => {
    const account = newWallet();
    const session = await api.login({ account });
    const message = revocation(account, session.sessionKey);
    const signature = await sign(account, message);
    expect((await revoke({ ...message, ...change(message) }, signature)).json.code).toBe(code);
    expect((await me(session)).status).toBe(200);
  });

  test('a revocation signed for another chain revokes nothing', async () => {
    const account = newWallet();
    const session = await api.login({ account });
    const message = revocation(account, session.sessionKey);
    expect((await revoke(message, await sign(account, message, 1), 103)).json.code).toBe('signature_invalid');
    expect((await revoke(message, await sign(account, message, 56), 56)).json.code).toBe('validation_failed');
  });
});

test('a session is no longer accepted once it has expired', async () => {
  const session = await api.login({ ttlSeconds: 60 });
  const token = await session.token();
  const [signed, bearer] = await later(61, async () => [
    // The client adjusts to the broker's clock by itself.
    await me(session),
    await api.send('GET', '/api/v1/auth/me', { bearer: token }),
  ]);
  expect(signed.body).toMatchObject({ code: 'session_expired' });
  expect(bearer.json.code).toBe('session_expired');
});
