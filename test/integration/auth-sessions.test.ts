import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { zeroAddress, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { login, type Session } from '../../src/auth/client.js';
import { revocationTypedData, type SessionRevocation } from '../../src/auth/typed-data.js';
import { audience, newWallet, startApi, type Api, type Reply } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { beginLogin, finishLogin, signDelegation, type LoginUnderWay } from '../support/login.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const admin = newWallet();
const clock = { offsetMs: 0 };

let database: TestDatabase;
let redis: TestRedis;
/** Two replicas: what one does, the other must know at once. */
let api: Api;
let other: Api;

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const options = {
    database,
    redis,
    env: { AUTH_CHAIN_IDS: '1,103', ADMIN_WALLETS: admin.address, AUTH_MAX_SESSIONS: '4', AUTH_MAX_TOKENS: '3' },
    now: () => Date.now() + clock.offsetMs,
  };
  [api, other] = await Promise.all([startApi(options), startApi(options)]);
});
afterAll(async () => {
  await Promise.all([api?.stop(), other?.stop()]);
  await Promise.all([database.close(), redis.close()]);
});

/** Lets hours pass for authentication, and takes them back. */
async function later<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  clock.offsetMs += seconds * 1000;
  try {
    return await work();
  } finally {
    clock.offsetMs -= seconds * 1000;
  }
}

const codes = (replies: Reply[]) => replies.map(({ status, json }) => json?.code ?? status).sort();
const me = (session: Session) => session.request('GET', '/api/v1/auth/me');
const sessionsOf = async (wallet: PrivateKeyAccount) => {
  const { rows } = await database.pool.query('select from auth_sessions where wallet = $1', [
    wallet.address.toLowerCase(),
  ]);
  return rows.length;
};

describe('a login', () => {
  test('lets the session key speak for the wallet, within what the wallet signed', async () => {
    const account = newWallet();
    const session = await api.login({
      account,
      scopes: ['jobs:read'],
      spendLimit: 7n,
      ttlSeconds: 600,
      label: 'laptop',
    });
    const { status, body } = await me(session);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      wallet: account.address.toLowerCase(),
      session_id: session.sessionId,
      kind: 'signed',
      scopes: ['jobs:read'],
      spend_limit: '7',
      spend_remaining: '7',
    });
    expect(session.expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(600_000);
  });

  test('with a wallet in any notation of case is one of the same wallet', async () => {
    const wallet = newWallet();
    const upper = `0x${wallet.address.slice(2).toUpperCase()}`;
    const underWay = await beginLogin(api, { wallet, body: { wallet: upper } });
    expect((await finishLogin(api, underWay)).json.wallet).toBe(wallet.address.toLowerCase());
  });

  test('on a chain of the list is accepted', async () => {
    const underWay = await beginLogin(api, { body: { chain_id: 103 } });
    expect(underWay.chainId).toBe(103);
    expect((await finishLogin(api, underWay)).status).toBe(201);
  });

  test('of a client whose broker proposes another message is not signed', async () => {
    const account = newWallet();
    const asked = login({ api: api.url, account, audience: 'https://elsewhere.example.com' });
    await expect(asked).rejects.toThrow(/audience/);
  });

  test('is listed for its owner, and for nobody else', async () => {
    const session = await api.login({ label: 'mine' });
    const stranger = await api.login();
    const { body } = await session.request('GET', '/api/v1/auth/sessions');
    expect(body).toMatchObject({
      sessions: [{ session_id: session.sessionId, current: true, live: true, label: 'mine' }],
    });
    const theirs = await stranger.request('GET', '/api/v1/auth/sessions');
    expect(JSON.stringify(theirs.body)).not.toContain(session.sessionId);
  });
});

/** The lowest bit of the last hex digit turned over: another value of the same form. */
const flipped = (hex: string): Hex =>
  `${hex.slice(0, -1)}${(Number.parseInt(hex.slice(-1), 16) ^ 1).toString(16)}` as Hex;

describe('a delegation is refused', () => {
  type Change = (login: LoginUnderWay) => Partial<LoginUnderWay['message']>;
  test.each<[string, string, Change]>([
    ['wallet', 'challenge_invalid', ({ message }) => ({ wallet: flipped(message.wallet) })],
    ['sessionKey', 'challenge_invalid', ({ message }) => ({ sessionKey: flipped(message.sessionKey) })],
    ['audience', 'validation_failed', ({ message }) => ({ audience: `${message.audience}x` })],
    ['statement', 'validation_failed', ({ message }) => ({ statement: `${message.statement} ` })],
    ['scopes', 'signature_invalid', () => ({ scopes: 'jobs:read' })],
    ['spendLimit', 'signature_invalid', () => ({ spendLimit: '1' })],
    ['issuedAt', 'signature_invalid', ({ message }) => ({ issuedAt: message.issuedAt - 1 })],
    ['expiresAt', 'signature_invalid', ({ message }) => ({ expiresAt: message.expiresAt - 1 })],
    ['nonce', 'challenge_invalid', ({ message }) => ({ nonce: flipped(message.nonce) })],
  ])('whose %s is not the one that was signed: %s', async (_, code, change) => {
    const underWay = await beginLogin(api);
    const signature = await signDelegation(underWay);
    const changed = { ...underWay, message: { ...underWay.message, ...change(underWay) } };
    expect((await finishLogin(api, changed, { signature })).json.code).toBe(code);
    expect(await sessionsOf(underWay.wallet)).toBe(0);
  });

  test('whose chain is not the one that was signed', async () => {
    const underWay = await beginLogin(api);
    const signature = await signDelegation(underWay);
    expect((await finishLogin(api, { ...underWay, chainId: 103 }, { signature })).json.code).toBe('signature_invalid');
  });

  test.each<[string, Partial<LoginUnderWay['message']>]>([
    ['audience', { audience: 'https://evil.example.com' }],
    ['statement', { statement: 'Claim your free tokens' }],
    ['scopes out of order', { scopes: 'jobs:write jobs:read' }],
    ['scopes that do not exist', { scopes: 'jobs:read wallet:drain' }],
  ])('with another %s, although the wallet signed it', async (_, change) => {
    const underWay = await beginLogin(api);
    const signedElsewhere = { ...underWay, message: { ...underWay.message, ...change } };
    expect((await finishLogin(api, signedElsewhere)).json.code).toBe('validation_failed');
  });

  test('for a chain that is not listed, although the wallet signed it', async () => {
    const underWay = await beginLogin(api);
    expect((await finishLogin(api, { ...underWay, chainId: 56 })).json.code).toBe('validation_failed');
    expect(
      (
        await api.send('POST', '/api/v1/auth/challenge', {
          body: { wallet: newWallet().address, session_key: newWallet().address, chain_id: 56 },
        })
      ).json.code,
    ).toBe('validation_failed');
  });

  test('that lasts longer than any may, or was signed long ago, or has expired', async () => {
    const underWay = await beginLogin(api);
    const { issuedAt } = underWay.message;
    const with_ = (change: object) => finishLogin(api, { ...underWay, message: { ...underWay.message, ...change } });
    expect((await with_({ expiresAt: issuedAt + api.config.AUTH_SESSION_TTL_MAX_S + 1 })).json.code).toBe(
      'validation_failed',
    );
    expect((await with_({ issuedAt: issuedAt - 310 })).json.code).toBe('timestamp_skew');
    expect((await with_({ issuedAt: issuedAt - 200, expiresAt: issuedAt - 100 })).json.code).toBe('validation_failed');
  });

  test.each<[string, (signature: Hex) => Hex, string]>([
    ['high s', (signature: Hex) => withHighS(signature), 'signature_invalid'],
    ['64 bytes', (signature: Hex) => signature.slice(0, 130) as Hex, 'signature_invalid'],
    [
      'another r',
      (signature: Hex) => `0x${flipped(signature.slice(2, 66))}${signature.slice(66)}` as Hex,
      'signature_invalid',
    ],
    ['no hex', () => '0xnothing', 'validation_failed'],
  ])('with a signature of %s', async (_, spoil, code) => {
    const underWay = await beginLogin(api);
    const signature = spoil(await signDelegation(underWay));
    expect((await finishLogin(api, underWay, { signature })).json.code).toBe(code);
    expect(await sessionsOf(underWay.wallet)).toBe(0);
  });

  test('signed by another wallet', async () => {
    const underWay = await beginLogin(api);
    const signature = await signDelegation({ ...underWay, wallet: newWallet() });
    expect((await finishLogin(api, underWay, { signature })).json.code).toBe('signature_invalid');
  });

  test('with a field that is not part of it', async () => {
    const underWay = await beginLogin(api);
    const message = { ...underWay.message, admin: true } as never;
    expect(
      (await finishLogin(api, { ...underWay, message }, { signature: await signDelegation(underWay) })).json.code,
    ).toBe('validation_failed');
  });
});

function withHighS(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
  return `${signature.slice(0, 66)}${s}${signature.endsWith('1b') ? '1c' : '1b'}` as Hex;
}

describe('a challenge', () => {
  test('is good for one login, whichever replica finishes it', async () => {
    const underWay = await beginLogin(api);
    expect((await finishLogin(other, underWay)).status).toBe(201);
    expect((await finishLogin(api, { ...underWay })).json.code).toBe('challenge_invalid');
  });

  test('is used up by a login that fails', async () => {
    const underWay = await beginLogin(api);
    await finishLogin(api, underWay, { signature: await signDelegation({ ...underWay, wallet: newWallet() }) });
    expect((await finishLogin(api, underWay)).json.code).toBe('challenge_invalid');
  });

  test('sent by twins makes one session', async () => {
    const underWay = await beginLogin(api);
    const replies = await Promise.all([api, other, api, other].map((replica) => finishLogin(replica, underWay)));
    expect(codes(replies)).toEqual([201, 'challenge_invalid', 'challenge_invalid', 'challenge_invalid']);
    expect(await sessionsOf(underWay.wallet)).toBe(1);
  });

  test('of another wallet with the same session key does not do', async () => {
    const key = newWallet();
    const [mine, theirs] = [await beginLogin(api, { key }), await beginLogin(api, { key })];
    const message = { ...mine.message, nonce: theirs.message.nonce };
    expect((await finishLogin(api, { ...mine, message })).json.code).toBe('challenge_invalid');
  });

  test.each([
    ['wallet', (wallet: PrivateKeyAccount) => ({ session_key: wallet.address })],
    ['zero address', () => ({ session_key: zeroAddress })],
  ])('is not made for a session key that is the %s', async (_, body) => {
    const wallet = newWallet();
    const sent = { wallet: wallet.address, ...body(wallet) };
    expect((await api.send('POST', '/api/v1/auth/challenge', { body: sent })).json.code).toBe('validation_failed');
  });
});

describe('the session key', () => {
  test('of somebody else cannot be registered: the proof that it is there is missing', async () => {
    const victim = newWallet();
    const underWay = await beginLogin(api, { key: victim });
    const attacker = newWallet();
    // The proof made by another key, and the same with the victim's name on it.
    const honest = await finishLogin(api, { ...underWay, key: attacker });
    const again = await beginLogin(api, { key: victim });
    const forged = await finishLogin(
      api,
      { ...again, key: attacker },
      { headers: { 'x-session-key': victim.address } },
    );
    expect(codes([honest, forged])).toEqual(['signature_invalid', 'signature_invalid']);
  });

  test('belongs to one session for ever, also after that was revoked', async () => {
    const key = newWallet();
    const first = await beginLogin(api, { key });
    const { session_id } = (await finishLogin(api, first)).json;
    await database.pool.query('update auth_sessions set revoked_at = now() where id = $1', [session_id]);
    expect((await finishLogin(api, await beginLogin(api, { key, wallet: first.wallet }))).json.code).toBe(
      'session_key_in_use',
    );
    expect((await finishLogin(api, await beginLogin(api, { key }))).json.code).toBe('session_key_in_use');
  });

  test('is registered once when two wallets want it at the same time', async () => {
    const key = newWallet();
    const logins = await Promise.all([1, 2, 3].map(() => beginLogin(api, { key })));
    const replies = await Promise.all(logins.map((underWay, i) => finishLogin(i % 2 === 0 ? api : other, underWay)));
    expect(codes(replies)).toEqual([201, 'session_key_in_use', 'session_key_in_use']);
  });
});

test('a wallet has no more live sessions than it may, also when it logs in many times at once', async () => {
  const wallet = newWallet();
  const logins = await Promise.all(Array.from({ length: 7 }, () => beginLogin(api, { wallet })));
  const replies = await Promise.all(logins.map((underWay, i) => finishLogin(i % 2 === 0 ? api : other, underWay)));
  expect(codes(replies)).toEqual([201, 201, 201, 201, 'quota_exceeded', 'quota_exceeded', 'quota_exceeded']);
});

describe('an administrator', () => {
  test('is a wallet of ADMIN_WALLETS, and nobody else', async () => {
    const session = await api.login({ account: admin, scopes: ['admin', 'jobs:read'] });
    expect((await me(session)).body).toMatchObject({ scopes: ['admin', 'jobs:read'] });
    await expect(api.login({ scopes: ['admin'] })).rejects.toMatchObject({ code: 'scope_denied' });
    // Nor by asking for less and signing more.
    const underWay = await beginLogin(api);
    const message = { ...underWay.message, scopes: 'admin jobs:read' };
    expect((await finishLogin(api, { ...underWay, message })).json.code).toBe('scope_denied');
  });

  test('who is none any more keeps the session without the scope', async () => {
    const session = await api.login({ account: admin, scopes: ['admin', 'jobs:read'] });
    const demoted = await startApi({ database, redis });
    const key = (await me(session)).body;
    expect(key).toMatchObject({ scopes: ['admin', 'jobs:read'] });
    const token = await session.token();
    expect((await demoted.send('GET', '/api/v1/auth/me', { bearer: token })).json.scopes).toEqual(['jobs:read']);
    await demoted.stop();
  });

  test('has no administrator’s token: that scope is for signed requests', async () => {
    const session = await api.login({ account: admin, scopes: ['admin', 'jobs:read'] });
    await expect(session.token({ scopes: ['admin'] })).rejects.toMatchObject({ code: 'scope_denied' });
    const { json } = await api.send('GET', '/api/v1/auth/me', { bearer: await session.token() });
    expect(json.scopes).toEqual(['jobs:read']);
  });
});

describe('a token', () => {
  test('speaks for its session with the scopes it was given', async () => {
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

  test('has no scope that its session lacks', async () => {
    const session = await api.login({ scopes: ['jobs:read'] });
    await expect(session.token({ scopes: ['jobs:read', 'jobs:write'] })).rejects.toMatchObject({
      code: 'scope_denied',
    });
  });

  test('cannot make tokens and cannot revoke all', async () => {
    const session = await api.login();
    const bearer = await session.token();
    const refused = [
      await api.send('POST', '/api/v1/auth/tokens', { bearer, body: {} }),
      await api.send('DELETE', '/api/v1/auth/sessions', { bearer }),
    ];
    expect(codes(refused)).toEqual(['auth_required', 'auth_required']);
    expect((await me(session)).status).toBe(200);
  });

  test('lasts no longer than its session, and no longer than it was asked to', async () => {
    const session = await api.login({ ttlSeconds: 120 });
    const [long, short] = [await session.token({ ttlSeconds: 3_600 }), await session.token({ ttlSeconds: 60 })];
    const seen = (bearer: string) => api.send('GET', '/api/v1/auth/me', { bearer });
    expect(codes(await later(61, () => Promise.all([seen(long), seen(short)])))).toEqual([200, 'session_expired']);
    expect(codes([await later(121, () => seen(long))])).toEqual(['session_expired']);
  });

  test('is kept nowhere', async () => {
    const session = await api.login();
    const token = await session.token();
    const { rows } = await database.pool.query<{ row: string }>(
      'select row_to_json(t)::text as row from auth_tokens t',
    );
    expect(rows.some(({ row }) => row.includes(token.slice(4)))).toBe(false);
    expect(api.logged.join()).not.toContain(token.slice(4));
    const keys = await redis.redis.keys('*');
    expect(keys.join()).not.toContain(token.slice(4));
  });

  test('is one of no more than a session may have, also when many are made at once', async () => {
    const session = await api.login();
    const made = await Promise.allSettled(Array.from({ length: 6 }, () => session.token()));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  test.each(['', 'Bearer', 'Bearer wlb_short', `Bearer wlb_${'a'.repeat(43)}`, 'Basic d2xiOg==', 'Bearer a b'])(
    'is not what "%s" is',
    async (authorization) => {
      const { status, json } = await api.send('GET', '/api/v1/auth/me', { headers: { authorization } });
      expect(status).toBe(401);
      expect(['auth_required', 'session_unknown']).toContain(json.code);
    },
  );
});

describe('what is revoked on one replica is refused by the other with the next request', () => {
  test('one session, and its tokens', async () => {
    const account = newWallet();
    const [lost, kept] = [await api.login({ account }), await api.login({ account })];
    const bearer = await lost.token();
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).status).toBe(200);
    expect((await kept.request('DELETE', `/api/v1/auth/sessions/${lost.sessionId}`)).status).toBe(204);
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).json.code).toBe('session_revoked');
    expect((await me(lost)).body).toMatchObject({ code: 'session_revoked' });
    expect((await me(kept)).status).toBe(200);
  });

  test('one token', async () => {
    const session = await api.login();
    const [bearer, kept] = [await session.token(), await session.token()];
    const { json } = await api.send('GET', '/api/v1/auth/me', { bearer });
    expect((await api.send('DELETE', `/api/v1/auth/tokens/${json.token_id}`, { bearer: kept })).status).toBe(204);
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).json.code).toBe('session_revoked');
    expect((await other.send('GET', '/api/v1/auth/me', { bearer: kept })).status).toBe(200);
  });

  test('all sessions of the wallet, and the login that was under way', async () => {
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
    // The wallet itself is not locked out.
    expect((await me(await other.login({ account }))).status).toBe(200);
  });
});

describe('by its own signature a wallet revokes', () => {
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

  test('a session whose key is lost', async () => {
    const account = newWallet();
    const [lost, kept] = [await api.login({ account }), await api.login({ account })];
    const bearer = await lost.token();
    const message = revocation(account, lost.sessionKey);
    expect((await revoke(message, await sign(account, message))).status).toBe(204);
    expect((await other.send('GET', '/api/v1/auth/me', { bearer })).json.code).toBe('session_revoked');
    expect((await me(kept)).status).toBe(200);
  });

  test('all, once: sent again it does not end what was begun since', async () => {
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

  test('nothing of another wallet', async () => {
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
  ])('nothing when the %s is not the one that was signed', async (_, code, change) => {
    const account = newWallet();
    const session = await api.login({ account });
    const message = revocation(account, session.sessionKey);
    const signature = await sign(account, message);
    expect((await revoke({ ...message, ...change(message) }, signature)).json.code).toBe(code);
    expect((await me(session)).status).toBe(200);
  });

  test('nothing for another chain than the one that was signed', async () => {
    const account = newWallet();
    const session = await api.login({ account });
    const message = revocation(account, session.sessionKey);
    expect((await revoke(message, await sign(account, message, 1), 103)).json.code).toBe('signature_invalid');
    expect((await revoke(message, await sign(account, message, 56), 56)).json.code).toBe('validation_failed');
  });
});

test('a session is over when its time is', async () => {
  const session = await api.login({ ttlSeconds: 60 });
  const token = await session.token();
  const [signed, bearer] = await later(61, async () => [
    // The client follows the broker's clock by itself.
    await me(session),
    await api.send('GET', '/api/v1/auth/me', { bearer: token }),
  ]);
  expect(signed.body).toMatchObject({ code: 'session_expired' });
  expect(bearer.json.code).toBe('session_expired');
});
