import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Hex } from 'viem';
import { revocationTypedData, type SessionRevocation } from '../../src/auth/typed-data.js';
import { audience, codes, newWallet, type Api } from '../support/api.js';
import { startLine, type Line } from '../support/line.js';
import { beginLogin, finishLogin, loggedIn, me, sendingSigned, type HeldSession } from '../support/login.js';
import { startReplicas, type Replicas } from '../support/replicas.js';
import { until } from '../support/until.js';

let replicas: Replicas;
let api: Api;

beforeAll(async () => {
  replicas = await startReplicas();
  ({ api } = replicas);
  session = await loggedIn(api);
});
afterAll(async () => {
  await replicas.stop();
});
let session: HeldSession;

/** By the session of these tests, to the first replica, unless given. */
const sendSigned = sendingSigned(() => ({ by: session.key, at: api }));

describe.each(['cut', 'stall'] as const)('while Redis is away (%s)', (how) => {
  let line: Line;
  let cutOff: Api;
  let bearer: string;

  beforeAll(async () => {
    const { config } = replicas.redis;
    line = await startLine({ host: config.REDIS_HOST, port: config.REDIS_PORT });
    cutOff = await replicas.start({ env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(line.port) } });
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
    const stolen = await loggedIn(api);
    const token = (await sendSigned({ by: stolen.key, method: 'POST', target: '/api/v1/auth/tokens', body: {} })).json
      .token;
    expect((await cutOff.send('DELETE', `/api/v1/auth/sessions/${stolen.id}`, { bearer: token })).status).toBe(204);
    expect((await cutOff.send('GET', me, { bearer: token })).json.code).toBe('session_revoked');
  });

  test('a wallet gets rid of a thief by its own signature', async () => {
    const stolen = await loggedIn(api);
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
    const strict = await replicas.start({
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
    const limited = await replicas.start({ env: { TRUST_PROXY: 'true', RATE_LIMIT_CHALLENGES: '2' } });
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
    const limited = await replicas.start({ env: { TRUST_PROXY: 'true', RATE_LIMIT_AUTH: '2' } });
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
    const limited = await replicas.start({ env: { TRUST_PROXY: 'true', RATE_LIMIT_LOGINS: '2' } });
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
    const [limited, replica] = await Promise.all([replicas.start({ env }), replicas.start({ env })]);
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
    const limited = await replicas.start({ env: { TRUST_PROXY: 'true', RATE_LIMIT_AUTH_FAILURES: '1' } });
    const over = await loggedIn(api);
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
    const [limited, replica] = await Promise.all([replicas.start({ env }), replicas.start({ env })]);
    const mine = await loggedIn(api);
    expect((await sendSigned({ at: limited, by: mine.key })).status).toBe(200);
    expect((await sendSigned({ at: replica, by: mine.key })).status).toBe(200);
    const third = await sendSigned({ at: limited, by: mine.key });
    expect([third.status, third.json.code]).toEqual([429, 'rate_limited']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    await Promise.all([limited.stop(), replica.stop()]);
  });
});
