import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { RouteRule } from '../../src/api/route.js';
import { startTestApi, testRoute, walletA, type TestApi } from './api-harness.js';

const rule = (given: Partial<RouteRule> & Pick<RouteRule, 'method' | 'path'>): RouteRule =>
  testRoute({
    handler: async (ctx) => {
      ctx.body = { ok: true };
    },
    ...given,
  });

const slow = { release: () => {}, begun: Promise.resolve() };
const routes: RouteRule[] = [
  rule({
    method: 'POST',
    path: '/t/echo',
    limit: 'write',
    handler: async (ctx) => {
      ctx.body = { body: ctx.state.body ?? null, bytes: ctx.state.bodyBytes.length };
    },
  }),
  rule({ method: 'POST', path: '/t/strict', request: { body: z.strictObject({ n: z.number(), m: z.string() }) } }),
  rule({
    method: 'GET',
    path: '/t/query',
    request: { query: z.object({ limit: z.string().regex(/^\d+$/).optional() }) },
  }),
  rule({ method: 'GET', path: '/t/things/special' }),
  rule({
    method: 'GET',
    path: '/t/things/:id',
    anyQuery: true,
    handler: async (ctx) => {
      ctx.body = { id: ctx.state.params['id'] };
    },
  }),
  rule({ method: 'DELETE', path: '/t/things/:id', auth: 'any' }),
  rule({
    method: 'GET',
    path: '/t/me',
    auth: 'any',
    handler: async (ctx) => void (ctx.body = { wallet: ctx.state.principal?.wallet }),
  }),
  rule({ method: 'GET', path: '/t/write', auth: 'any', scopes: ['jobs:write'] }),
  rule({ method: 'GET', path: '/t/signed', auth: 'signed' }),
  rule({ method: 'GET', path: '/t/proof', auth: 'session-proof' }),
  rule({
    method: 'GET',
    path: '/t/crash',
    handler: () => Promise.reject(new Error('password=hunter2 at db.internal:5432')),
  }),
  rule({ method: 'GET', path: '/t/never', answerWithinMs: 50, handler: () => new Promise(() => {}) }),
  rule({
    method: 'GET',
    path: '/t/slow',
    handler: async (ctx) => {
      await new Promise<void>((resolve) => (slow.release = resolve));
      ctx.body = { ok: true };
    },
  }),
];

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    routes,
    env: { ALLOWED_ORIGINS: 'https://app.example.com' },
    health: async () => ({ postgres: { ok: true }, redis: { ok: false, detail: 'connection refused' } }),
  });
});
afterAll(async () => await api.stop());

describe('problems', () => {
  test('an error response has the members of RFC 9457, a stable code and the id of the request', async () => {
    const reply = await api.send('GET', '/nowhere', { headers: { 'x-request-id': 'my-request-1' } });
    expect(reply.status).toBe(404);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.json).toEqual({
      type: 'urn:worldland:problem:not_found',
      title: 'Nothing exists at this address',
      status: 404,
      code: 'not_found',
      detail: expect.any(String),
      request_id: 'my-request-1',
    });
  });

  test('an internal error reveals nothing but the request’s id, and is logged under it', async () => {
    const reply = await api.send('GET', '/t/crash');
    expect(reply.status).toBe(500);
    expect(reply.json).toMatchObject({ code: 'internal_error' });
    expect(reply.text).not.toMatch(/hunter2|db\.internal|at /);
    expect(api.logged.some((line) => line.includes(reply.json.request_id) && line.includes('db.internal'))).toBe(true);
  });

  test('a route that does not answer in time gets a 503 with a time to retry', async () => {
    const reply = await api.send('GET', '/t/never');
    expect([reply.status, reply.json.code]).toEqual([503, 'dependency_unavailable']);
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('a 401 names the scheme and the code', async () => {
    const reply = await api.send('GET', '/t/me');
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toBe('WorldLand-Session error="auth_required", Bearer');
  });

  test('a 422 names every invalid field', async () => {
    const reply = await api.send('POST', '/t/strict', { json: { n: 'x', extra: 1 } });
    expect(reply.status).toBe(422);
    expect(reply.json.errors.map(({ field }: { field: string }) => field).sort()).toEqual(['extra', 'm', 'n']);
    const query = await api.send('GET', '/t/query?limit=1&limit=2');
    expect(query.json.errors).toEqual([{ field: 'query.limit', message: expect.any(String) }]);
  });
});

describe('request ids', () => {
  test.each(['short', 'with space in', 'a'.repeat(65), 'new\tline-xxxx'])(
    '%j is replaced by a fresh one',
    async (given) => {
      const reply = await api.send('GET', '/health', { headers: { 'x-request-id': given } });
      expect(reply.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});

describe('routes', () => {
  test('a known path answers other methods with 405 and Allow', async () => {
    const reply = await api.send('PUT', '/t/things/1', { as: 'a' });
    expect(reply.status).toBe(405);
    expect(reply.headers['allow']).toBe('GET, DELETE, HEAD, OPTIONS');
    expect((await api.send('PROPFIND', '/t/things/1')).status).toBe(405);
  });

  test('OPTIONS returns the methods of a path', async () => {
    const reply = await api.send('OPTIONS', '/t/things/1');
    expect([reply.status, reply.headers['allow'], reply.text]).toEqual([204, 'GET, DELETE, HEAD, OPTIONS', '']);
    expect((await api.send('OPTIONS', '/nowhere')).status).toBe(404);
  });

  test('HEAD is answered like GET, without the body', async () => {
    const get = await api.send('GET', '/t/things/1');
    const head = await api.send('HEAD', '/t/things/1');
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', get.headers['content-length']]);
  });

  test('a literal path segment takes precedence over a parameter', async () => {
    expect((await api.send('GET', '/t/things/special')).json).toEqual({ ok: true });
    expect((await api.send('GET', '/t/things/a%20b')).json).toEqual({ id: 'a b' });
  });

  test.each(['/t/things/', '/t/things', '/t/things/1/', '//t/things/1', '/T/things/1', '/t/../health'])(
    '%s is not found',
    async (path) => {
      expect((await api.send('GET', path)).status).toBe(404);
    },
  );

  test.each(['/t/things/%', '/t/things/%ff', '/t/things/%C3%28'])('the path %s is malformed', async (path) => {
    expect((await api.send('GET', path)).json).toMatchObject({ status: 400, code: 'malformed_request' });
  });
});

describe('who may call', () => {
  test.each([
    ['/t/me', undefined, 401, 'auth_required'],
    ['/t/me', 'nobody', 401, 'session_unknown'],
    ['/t/me', 'proof', 401, 'auth_required'],
    ['/t/write', 'a-read', 403, 'scope_denied'],
    ['/t/signed', 'a', 401, 'auth_required'],
    ['/t/proof', 'a', 401, 'auth_required'],
    ['/t/me', 'a', 200, undefined],
    ['/t/write', 'a', 200, undefined],
    ['/t/signed', 'a-signed', 200, undefined],
    ['/t/proof', 'proof', 200, undefined],
  ])('%s as %s: %i %s', async (path, as, status, code) => {
    const reply = await api.send('GET', path, as === undefined ? {} : { as });
    expect([reply.status, reply.json.code]).toEqual([status, code]);
    if (as !== undefined && status === 200) expect(reply.headers['cache-control']).toBe('no-store');
  });
});

describe('bodies', () => {
  const json = { 'content-type': 'application/json' };

  test('a request body reaches the handler as JSON and as bytes', async () => {
    const reply = await api.send('POST', '/t/echo', {
      body: '{"ü":[1]}',
      headers: { 'content-type': 'Application/JSON; charset=UTF-8' },
    });
    expect(reply.json).toEqual({ body: { ü: [1] }, bytes: 10 });
    expect((await api.send('POST', '/t/echo')).json).toEqual({ body: null, bytes: 0 });
  });

  test.each<[string, { body: string | Buffer; headers: Record<string, string> }, number]>([
    ['form', { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
    ['no type', { body: '{}', headers: {} }, 415],
    ['a type that only looks like it', { body: '{}', headers: { 'content-type': 'application/jsonp' } }, 415],
    ['another charset', { body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } }, 415],
    ['gzip', { body: '{}', headers: { ...json, 'content-encoding': 'gzip' } }, 415],
    ['not JSON', { body: '{', headers: json }, 400],
    ['invalid UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]), headers: json }, 400],
    ['__proto__', { body: '{"a":{"__proto__":{}}}', headers: json }, 400],
    ['deeper than a stack', { body: '['.repeat(60_000), headers: json }, 400],
    ['deeper than a stack, and closed', { body: '['.repeat(32_000) + ']'.repeat(32_000), headers: json }, 400],
    ['too long', { body: `"${'x'.repeat(64 * 1024)}"`, headers: json }, 413],
  ])('a request body with this fault is rejected: %s', async (_, options, status) => {
    const reply = await api.send('POST', '/t/echo', options);
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toBe('application/problem+json');
  });

  test('a body of exactly 64 KiB is accepted', async () => {
    const reply = await api.send('POST', '/t/echo', { body: JSON.stringify('x'.repeat(64 * 1024 - 2)), headers: json });
    expect([reply.status, reply.json.bytes]).toEqual([200, 64 * 1024]);
  });

  test('a body of unannounced length is cut off at the limit', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const answer = await api.raw(
      `POST /t/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test.each(['GET', 'DELETE'])('a body with %s is rejected', async (method) => {
    const reply = await api.send(method, '/t/things/1', { as: 'a', body: '{}', headers: json });
    expect(reply.json).toMatchObject({ status: 400, code: 'malformed_request' });
  });
});

describe('browsers', () => {
  test('pages of a listed origin may call, without credentials', async () => {
    const preflight = await api.send('OPTIONS', '/t/me', {
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-max-age': '600',
      vary: 'Origin',
    });
    expect(preflight.headers['access-control-allow-headers']).toContain('x-session-signature');
    expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials');
    const failed = await api.send('GET', '/t/me', { headers: { origin: 'https://app.example.com' } });
    expect(failed.headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(failed.headers['access-control-expose-headers']).toContain('retry-after');
  });

  test.each(['https://evil.example.com', 'https://app.example.com.evil.com', 'null', '*'])(
    'of %s may not',
    async (origin) => {
      const reply = await api.send('GET', '/health', { headers: { origin } });
      expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
      const preflight = await api.send('OPTIONS', '/t/me', {
        headers: { origin, 'access-control-request-method': 'GET' },
      });
      expect(preflight.headers).not.toHaveProperty('access-control-allow-origin');
    },
  );

  test('browsers get nothing they could render, frame or sniff', async () => {
    const { headers } = await api.send('GET', '/health');
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'strict-transport-security': expect.stringContaining('max-age='),
    });
    expect(headers).not.toHaveProperty('x-powered-by');
  });
});

describe('limits', () => {
  test('an address over its limit is told when to retry, and others are still answered', async () => {
    const limited = await startTestApi({ env: { RATE_LIMIT_PER_IP: '3', TRUST_PROXY: 'true' } });
    const from = (ip: string) => limited.send('GET', '/health', { headers: { 'x-forwarded-for': ip } });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await from('203.0.113.1')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await from('203.0.113.1');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.json).toMatchObject({ code: 'rate_limited' });
    // What a client writes in front of the load balancer's entry changes nothing.
    expect((await from('198.51.100.7, 203.0.113.1')).status).toBe(429);
    expect((await from('203.0.113.2')).status).toBe(200);
    await limited.stop();
  });

  test('X-Forwarded-For has no effect without a trusted proxy', async () => {
    const limited = await startTestApi({ env: { RATE_LIMIT_PER_IP: '1' } });
    expect((await limited.send('GET', '/health', { headers: { 'x-forwarded-for': '203.0.113.1' } })).status).toBe(200);
    expect((await limited.send('GET', '/health', { headers: { 'x-forwarded-for': '203.0.113.2' } })).status).toBe(429);
    await limited.stop();
  });

  test('an IPv6 customer counts as one, whichever of its addresses it uses', async () => {
    const limited = await startTestApi({ env: { RATE_LIMIT_PER_IP: '1', TRUST_PROXY: 'true' } });
    const from = async (ip: string) =>
      (await limited.send('GET', '/health', { headers: { 'x-forwarded-for': ip } })).status;
    expect(await from('2001:db8:1:2::1')).toBe(200);
    expect(await from('2001:db8:1:2:ffff::9')).toBe(429);
    expect(await from('2001:db8:1:3::1')).toBe(200);
    await limited.stop();
  });

  test('wallets are counted separately', async () => {
    const limited = await startTestApi({ routes, env: { RATE_LIMIT_READS: '1' } });
    expect((await limited.send('GET', '/t/me', { as: 'a' })).json).toEqual({ wallet: walletA });
    expect((await limited.send('GET', '/t/me', { as: 'a' })).status).toBe(429);
    expect((await limited.send('GET', '/t/me', { as: 'b' })).status).toBe(200);
    await limited.stop();
  });

  test('a header section beyond 8 KiB gets a 431, and anything but HTTP a 400', async () => {
    expect(await api.raw(`GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect(await api.raw('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('health', () => {
  test('liveness checks nothing, and readiness names each dependency', async () => {
    expect((await api.send('GET', '/health')).json).toEqual({ status: 'ok', server_time: expect.any(Number) });
    const ready = await api.send('GET', '/ready');
    expect(ready.status).toBe(503);
    expect(ready.json).toEqual({
      status: 'not_ready',
      dependencies: { postgres: { ok: true }, redis: { ok: false, detail: 'connection refused' } },
    });
  });
});

test('an access log line names the route, never the contents of the request', async () => {
  await api.send('POST', '/t/strict', {
    as: 'a',
    json: { n: 'secret-value' },
    headers: { 'x-request-id': 'logged-request' },
  });
  await api.send('GET', '/t/things/secret-id?q=secret-query', { headers: { 'x-request-id': 'logged-request' } });
  const lines = api.logged.filter((line) => line.includes('logged-request'));
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toContain('secret');
  expect(JSON.parse(lines[1]!)).toMatchObject({
    method: 'GET',
    route: '/t/things/:id',
    status: 200,
    ms: expect.any(Number),
  });
});

test('stopping the server finishes the requests in progress, accepts no new ones, and ends', async () => {
  const stopping = await startTestApi({ routes });
  const begun = stopping.send('GET', '/t/slow');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const stopped = stopping.stop(5_000);
  await expect(stopping.send('GET', '/health')).rejects.toThrow();
  slow.release();
  expect((await begun).status).toBe(200);
  await stopped;
});

test('stopping the server cuts off requests that do not end in time', async () => {
  const stopping = await startTestApi({ routes });
  const begun = stopping.send('GET', '/t/slow');
  begun.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const begunMs = Date.now();
  await stopping.stop(200);
  expect(Date.now() - begunMs).toBeLessThan(1_500);
  await expect(begun).rejects.toThrow();
});
