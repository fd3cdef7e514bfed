import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Hex } from 'viem';
import { revocationTypedData, type SessionRevocation } from '../../src/wire/session-typed-data.js';
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

/** Uses the session of these tests and the first replica by default. */
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
  });
  beforeEach(async () => await line[how]());
  afterAll(async () => {
    await line.mend();
    await cutOff.stop();
    await line.close();
  });

  test('while Redis is away a signed request fails closed', async () => {
    const { status, json, headers } = await sendSigned({ at: cutOff });
    expect([status, json.code]).toEqual([503, 'auth_backend_unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('while Redis is away a login can begin, which stores nothing, but cannot be completed', async () => {
    const underWay = await beginLogin(cutOff);
    expect((await finishLogin(cutOff, underWay)).json.code).toBe('auth_backend_unavailable');
    expect((await finishLogin(api, await beginLogin(cutOff))).status).toBe(201);
  });

  test('while Redis is away a token still works, and a revoked one does not', async () => {
    expect((await cutOff.send('GET', me, { bearer })).status).toBe(200);
    const stolen = await loggedIn(api);
    const token = (await sendSigned({ by: stolen.key, method: 'POST', target: '/api/v1/auth/tokens', body: {} })).json
      .token;
    expect((await cutOff.send('DELETE', `/api/v1/auth/sessions/${stolen.id}`, { bearer: token })).status).toBe(204);
    expect((await cutOff.send('GET', me, { bearer: token })).json.code).toBe('session_revoked');
  });

  test('while Redis is away a wallet can revoke a stolen session by its own signature', async () => {
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

  test('while Redis is away failures of unknown callers are still counted', async () => {
    const strict = await replicas.start({
      env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(line.port), RATE_LIMIT_AUTH_FAILURES: '2' },
    });
    const guesses = [];
    for (let i = 0; i < 4; i++) guesses.push(await strict.send('GET', me, { bearer: `wlb_${'x'.repeat(43)}` }));
    expect(codes(guesses)).toEqual(['rate_limited', 'rate_limited', 'session_unknown', 'session_unknown']);
    await strict.stop();
  });

  test('signed requests are answered again once Redis is back', async () => {
    await line.mend();
    await until(async () => (await sendSigned({ at: cutOff })).status === 200, { everyMs: 100 });
  });
});

describe('an address that sends bad credentials', () => {
  const from = (ip: string) => ({ 'x-forwarded-for': ip });
  const bad = `wlb_${'x'.repeat(43)}`;
  const env = { TRUST_PROXY: 'true', RATE_LIMIT_AUTH_FAILURES: '3', RATE_LIMIT_PER_IP: '20' };
  let limited: Api;
  let replica: Api;

  beforeAll(async () => {
    [limited, replica] = await Promise.all([replicas.start({ env }), replicas.start({ env })]);
  });
  afterAll(async () => {
    await Promise.all([limited.stop(), replica.stop()]);
  });

  const guess = (at: Api, ip: string, target = me) => at.send('GET', target, { bearer: bad, headers: from(ip) });
  const flood = async (ip: string) => {
    for (let at = 0; at < 30; at++) await Promise.all(Array.from({ length: 10 }, () => guess(limited, ip)));
  };

  test('an address that sends bad credentials is refused by all replicas, and told until when', async () => {
    const guesses = [
      await guess(limited, '203.0.113.31'),
      await guess(replica, '203.0.113.31'),
      await guess(limited, '203.0.113.31'),
    ];
    expect(codes(guesses)).toEqual(Array(3).fill('session_unknown'));
    const refused = await guess(replica, '203.0.113.31');
    expect(refused.json).toMatchObject({ code: 'rate_limited', limit: 'failures', per: 'address', allowed: 3 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
  });

  test('an address that sends bad credentials keeps out nobody there who has a good credential of any kind', async () => {
    const ip = '203.0.113.33';
    const token = (await sendSigned({ method: 'POST', target: '/api/v1/auth/tokens', body: {} })).json.token as string;
    await flood(ip);
    expect((await guess(limited, ip)).status).toBe(429);
    const headers = from(ip);
    expect((await sendSigned({ at: limited }, { headers })).status).toBe(200);
    expect((await limited.send('GET', me, { bearer: token, headers })).status).toBe(200);
    // On public routes too: people who share an address send their tokens.
    expect((await limited.send('GET', '/api/v1/providers', { headers })).json.limit).toBe('requests');
    expect((await limited.send('GET', '/api/v1/providers', { bearer: token, headers })).status).toBe(200);
    expect((await guess(limited, ip, '/api/v1/providers')).json.limit).toBe('requests');
    // Errors of a request with a valid one are reported as usual.
    expect((await limited.send('GET', '/api/v1/jobs?limit=x', { bearer: token, headers })).status).toBe(422);
    expect(
      (await limited.send('GET', '/api/v1/auth/me', { bearer: token, headers: from('203.0.113.34') })).status,
    ).toBe(200);
  });

  test('an address that sends bad credentials keeps no wallet there from logging in or revoking', async () => {
    const ip = '203.0.113.35';
    const headers = from(ip);
    const wallet = newWallet();
    await finishLogin(api, await beginLogin(api, { wallet }));
    const begun = await beginLogin(limited, { wallet, headers });
    await flood(ip);
    // Repeatedly, with somebody else's signature.
    for (let at = 0; at < 30; at++) {
      const forged = { ...(await beginLogin(api)), wallet: newWallet() };
      expect((await finishLogin(limited, forged, { headers })).status).toBe(429);
    }
    expect((await finishLogin(limited, begun, { headers })).status).toBe(201);
    const message: SessionRevocation = {
      wallet: wallet.address.toLowerCase() as Hex,
      sessionKey: `0x${'0'.repeat(40)}`,
      audience,
      issuedAt: Math.floor(Date.now() / 1000),
      nonce: `0x${'cd'.repeat(32)}`,
    };
    const signature = await wallet.signTypedData(revocationTypedData(message, 1));
    const sent = { message, chain_id: 1, signature };
    expect((await limited.send('POST', '/api/v1/auth/revoke', { body: sent, headers })).status).toBe(204);
  });

  test('requests for challenges are not counted as failures, and lock out no wallet that they name', async () => {
    const [wallet, headers] = [newWallet(), from('203.0.113.36')];
    for (let at = 0; at < 19; at++) await beginLogin(limited, { wallet, headers });
    expect((await finishLogin(limited, await beginLogin(limited, { wallet, headers }), { headers })).status).toBe(201);
  });

  test('all IPv6 addresses of one network count as one address', async () => {
    for (let at = 0; at < 3; at++) await guess(limited, `2001:db8:7:7::${at}`);
    expect((await guess(limited, '2001:db8:7:7:ffff::1')).status).toBe(429);
    expect((await guess(limited, '2001:db8:7:8::1')).status).toBe(401);
  });

  test('signed requests take nothing from others at the same address, because they count by wallet', async () => {
    const headers = from('203.0.113.37');
    const busy = await loggedIn(api);
    for (let at = 0; at < 40; at++) {
      expect((await sendSigned({ at: limited, by: busy.key }, { headers })).status).toBe(200);
    }
    expect((await limited.send('GET', '/api/v1/providers', { headers })).status).toBe(200);
  });
});

describe('limits', () => {
  const from = (ip: string) => ({ 'x-forwarded-for': ip });

  test('a wrong clock and an ended session are not counted as failures that look like guessing', async () => {
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

  test('the limit of reads counts by wallet over all replicas and sessions', async () => {
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
