import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { zeroAddress, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { login } from '../../src/client/session.js';
import { codes, newWallet, signedHeaders, type Api } from '../support/api.js';
import { beginLogin, finishLogin, me, signDelegation, type LoginUnderWay } from '../support/login.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { flipped, withHighS } from '../support/signatures.js';

const admin = newWallet();

let replicas: Replicas;
let api: Api;
let other: Api;

beforeAll(async () => {
  replicas = await startReplicas({
    env: { AUTH_CHAIN_IDS: '1,103', ADMIN_WALLETS: admin.address, AUTH_MAX_SESSIONS: '4' },
  });
  ({ api, other } = replicas);
});
afterAll(async () => {
  await replicas.stop();
});

const sessionsOf = async (wallet: PrivateKeyAccount) => {
  const { rows } = await replicas.database.pool.query('select from auth_sessions where wallet = $1', [
    wallet.address.toLowerCase(),
  ]);
  return rows.length;
};

describe('a login', () => {
  test('a login lets the session key speak for the wallet within the signed bounds', async () => {
    const account = newWallet();
    const session = await api.login({
      account,
      scopes: ['jobs:read'],
      spendLimit: 7n,
      ttlSeconds: 600,
      label: 'laptop',
    });
    const { status, body } = await session.request('GET', me);
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

  test('a login with the wallet written in any case belongs to the same wallet', async () => {
    const wallet = newWallet();
    const upper = `0x${wallet.address.slice(2).toUpperCase()}`;
    const underWay = await beginLogin(api, { wallet, body: { wallet: upper } });
    expect((await finishLogin(api, underWay)).json.wallet).toBe(wallet.address.toLowerCase());
  });

  test('a login succeeds on any configured chain', async () => {
    const underWay = await beginLogin(api, { body: { chain_id: 103 } });
    expect(underWay.chainId).toBe(103);
    expect((await finishLogin(api, underWay)).status).toBe(201);
  });

  test('a client does not sign a login for which the broker proposes a different message', async () => {
    const account = newWallet();
    const asked = login({ api: api.url, account, audience: 'https://elsewhere.example.com' });
    await expect(asked).rejects.toThrow(/audience/);
  });

  test('a session is listed for its owner and for nobody else', async () => {
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

describe('an invalid delegation', () => {
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
  ])('a login whose %s is not the signed one is refused: %s', async (_, code, change) => {
    const underWay = await beginLogin(api);
    const signature = await signDelegation(underWay);
    const changed = { ...underWay, message: { ...underWay.message, ...change(underWay) } };
    expect((await finishLogin(api, changed, { signature })).json.code).toBe(code);
    expect(await sessionsOf(underWay.wallet)).toBe(0);
  });

  test('a login whose chain differs from the signed one is refused', async () => {
    const underWay = await beginLogin(api);
    const signature = await signDelegation(underWay);
    expect((await finishLogin(api, { ...underWay, chainId: 103 }, { signature })).json.code).toBe('signature_invalid');
  });

  test.each<[string, Partial<LoginUnderWay['message']>]>([
    ['audience', { audience: 'https://evil.example.com' }],
    ['statement', { statement: 'Claim your free tokens' }],
    ['scopes out of order', { scopes: 'jobs:write jobs:read' }],
    ['scopes that do not exist', { scopes: 'jobs:read wallet:drain' }],
  ])('a login with a different message (%s) is refused although the wallet signed it', async (_, change) => {
    const underWay = await beginLogin(api);
    const signedElsewhere = { ...underWay, message: { ...underWay.message, ...change } };
    expect((await finishLogin(api, signedElsewhere)).json.code).toBe('validation_failed');
  });

  test('a login for a chain that is not configured is refused although the wallet signed it', async () => {
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

  test('a delegation that lasts too long, was signed long ago or has expired is refused', async () => {
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
      'a changed r',
      (signature: Hex) => `${flipped(signature.slice(0, 66))}${signature.slice(66)}` as Hex,
      'signature_invalid',
    ],
    ['text that is not hex', () => '0xnothing', 'validation_failed'],
  ])('a login with a signature of %s is refused', async (_, spoil, code) => {
    const underWay = await beginLogin(api);
    const signature = spoil(await signDelegation(underWay));
    expect((await finishLogin(api, underWay, { signature })).json.code).toBe(code);
    expect(await sessionsOf(underWay.wallet)).toBe(0);
  });

  test('a login signed by another wallet is refused', async () => {
    const underWay = await beginLogin(api);
    const signature = await signDelegation({ ...underWay, wallet: newWallet() });
    expect((await finishLogin(api, underWay, { signature })).json.code).toBe('signature_invalid');
  });

  test('a login with an additional field is refused', async () => {
    const underWay = await beginLogin(api);
    const message = { ...underWay.message, admin: true } as never;
    expect(
      (await finishLogin(api, { ...underWay, message }, { signature: await signDelegation(underWay) })).json.code,
    ).toBe('validation_failed');
  });
});

describe('a challenge', () => {
  test('a challenge is good for one login, whichever replica finishes it', async () => {
    const underWay = await beginLogin(api);
    expect((await finishLogin(other, underWay)).status).toBe(201);
    expect((await finishLogin(api, { ...underWay })).json.code).toBe('challenge_invalid');
  });

  test('a failed login uses up its challenge', async () => {
    const underWay = await beginLogin(api);
    await finishLogin(api, underWay, { signature: await signDelegation({ ...underWay, wallet: newWallet() }) });
    expect((await finishLogin(api, underWay)).json.code).toBe('challenge_invalid');
  });

  test('a login sent twice at once creates one session', async () => {
    const underWay = await beginLogin(api);
    const replies = await Promise.all([api, other, api, other].map((replica) => finishLogin(replica, underWay)));
    expect(codes(replies)).toEqual([201, 'challenge_invalid', 'challenge_invalid', 'challenge_invalid']);
    expect(await sessionsOf(underWay.wallet)).toBe(1);
  });

  test('a challenge of another wallet with the same session key is refused', async () => {
    const key = newWallet();
    const [mine, theirs] = [await beginLogin(api, { key }), await beginLogin(api, { key })];
    const message = { ...mine.message, nonce: theirs.message.nonce };
    expect((await finishLogin(api, { ...mine, message })).json.code).toBe('challenge_invalid');
  });

  test.each([
    ['wallet', (wallet: PrivateKeyAccount) => ({ session_key: wallet.address })],
    ['zero address', () => ({ session_key: zeroAddress })],
  ])('no challenge is issued for a session key that is the %s', async (_, body) => {
    const wallet = newWallet();
    const sent = { wallet: wallet.address, ...body(wallet) };
    expect((await api.send('POST', '/api/v1/auth/challenge', { body: sent })).json.code).toBe('validation_failed');
  });
});

describe('the session key', () => {
  test('a session key of somebody else cannot be registered, because the proof of possession is missing', async () => {
    const victim = newWallet();
    const underWay = await beginLogin(api, { key: victim });
    const attacker = newWallet();
    // A proof by another key, and the same under the victim's address.
    const honest = await finishLogin(api, { ...underWay, key: attacker });
    const again = await beginLogin(api, { key: victim });
    const forged = await finishLogin(
      api,
      { ...again, key: attacker },
      { headers: { 'x-session-key': victim.address } },
    );
    expect(codes([honest, forged])).toEqual(['signature_invalid', 'signature_invalid']);
  });

  test('a session key belongs to one session for ever, even after that session is revoked', async () => {
    const key = newWallet();
    const first = await beginLogin(api, { key });
    const { session_id } = (await finishLogin(api, first)).json;
    await replicas.database.pool.query('update auth_sessions set revoked_at = now() where id = $1', [session_id]);
    expect((await finishLogin(api, await beginLogin(api, { key, wallet: first.wallet }))).json.code).toBe(
      'session_key_in_use',
    );
    expect((await finishLogin(api, await beginLogin(api, { key }))).json.code).toBe('session_key_in_use');
  });

  test('a session key that two wallets want at the same time is registered once', async () => {
    const key = newWallet();
    const logins = await Promise.all([1, 2, 3].map(() => beginLogin(api, { key })));
    const replies = await Promise.all(logins.map((underWay, i) => finishLogin(i % 2 === 0 ? api : other, underWay)));
    expect(codes(replies)).toEqual([201, 'session_key_in_use', 'session_key_in_use']);
  });
});

test('a wallet cannot exceed its number of live sessions, even with many concurrent logins', async () => {
  const wallet = newWallet();
  const logins = await Promise.all(Array.from({ length: 7 }, () => beginLogin(api, { wallet })));
  const replies = await Promise.all(logins.map((underWay, i) => finishLogin(i % 2 === 0 ? api : other, underWay)));
  expect(codes(replies)).toEqual([201, 201, 201, 201, 'quota_exceeded', 'quota_exceeded', 'quota_exceeded']);
});

describe('an administrator', () => {
  test('only the wallets of ADMIN_WALLETS are administrators', async () => {
    const session = await api.login({ account: admin, scopes: ['admin', 'jobs:read'] });
    expect((await session.request('GET', me)).body).toMatchObject({ scopes: ['admin', 'jobs:read'] });
    await expect(api.login({ scopes: ['admin'] })).rejects.toMatchObject({ code: 'scope_denied' });
    // Nor by requesting less than it signs.
    const underWay = await beginLogin(api);
    const message = { ...underWay.message, scopes: 'admin jobs:read' };
    expect((await finishLogin(api, { ...underWay, message })).json.code).toBe('scope_denied');
  });

  test('a former administrator keeps the session without the admin scope', async () => {
    const underWay = await beginLogin(api, { wallet: admin, body: { scopes: ['admin', 'jobs:read'] } });
    expect((await finishLogin(api, underWay)).status).toBe(201);
    const demoted = await replicas.start();
    const scopesAt = async (replica: Api, headers: Record<string, string>) =>
      (await replica.send('GET', me, { headers })).json.scopes;
    const signed = () => signedHeaders(underWay.key, { method: 'GET', target: me });
    expect(await scopesAt(api, await signed())).toEqual(['admin', 'jobs:read']);
    expect(await scopesAt(demoted, await signed())).toEqual(['jobs:read']);
    await demoted.stop();
  });

  test('an administrator’s token never has the admin scope, which requires signed requests', async () => {
    const session = await api.login({ account: admin, scopes: ['admin', 'jobs:read'] });
    await expect(session.token({ scopes: ['admin'] })).rejects.toMatchObject({ code: 'scope_denied' });
    const { json } = await api.send('GET', '/api/v1/auth/me', { bearer: await session.token() });
    expect(json.scopes).toEqual(['jobs:read']);
  });
});
