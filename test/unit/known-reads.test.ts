import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cachedReply } from '../../src/api/cached-read.js';
import type { RouteRule } from '../../src/api/route.js';
import { sendCached } from '../../src/api/send-cached.js';
import { startTestApi, testRoute, type TestApi } from './api-harness.js';

const rule = (path: string, auth: RouteRule['auth'], handler: RouteRule['handler']): RouteRule =>
  testRoute({ path, auth, anyQuery: true, handler });

let handled = 0;
let maxAgeMs = 60_000;
const cached: RouteRule['handler'] = async (ctx) =>
  await sendCached(ctx, cachedReply({ handled: ++handled }, maxAgeMs));
const long = cachedReply({ numbers: Array.from({ length: 1_000 }, (_, n) => n) }, 60_000);
const routes = [
  rule('/t/cached', 'none', cached),
  rule('/t/long', 'none', async (ctx) => await sendCached(ctx, long)),
  rule('/t/fresh', 'any', async (ctx) => void (ctx.body = { handled: ++handled })),
];

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ routes, env: { ALLOWED_ORIGINS: 'https://app.example.com' } });
});
afterAll(async () => await api.stop());

test('a repeated public read is answered from memory, with the usual headers and log line', async () => {
  const first = await api.send('GET', '/t/cached?a', { headers: { origin: 'https://app.example.com' } });
  api.logged.length = 0;
  const again = await api.send('GET', '/t/cached?a', { headers: { 'x-request-id': 'asked-again' } });
  expect(again.json).toEqual(first.json);
  const names = (headers: object) => Object.keys(headers).filter((name) => !name.startsWith('access-control'));
  expect(names(again.headers)).toEqual(names(first.headers));
  expect(again.headers).toMatchObject({ 'cache-control': 'public, max-age=60', 'x-request-id': 'asked-again' });
  // What depends on who asks is made anew.
  expect([first.headers, again.headers].map((headers) => headers['access-control-allow-origin'])).toEqual([
    'https://app.example.com',
    undefined,
  ]);
  const line = api.logged.map((text) => JSON.parse(text) as object).find((fields) => 'route' in fields);
  expect(line).toMatchObject({ route: '/t/cached', status: 200, request_id: 'asked-again' });
});

test('a client that already has the answer gets a 304', async () => {
  const { headers } = await api.send('GET', '/t/cached?b');
  const known = await api.send('GET', '/t/cached?b', { headers: { 'if-none-match': headers.etag! } });
  expect([known.status, known.text]).toEqual([304, '']);
  const other = await api.send('GET', '/t/cached?b', { headers: { 'if-none-match': '"other"' } });
  expect([other.status, other.headers.etag]).toEqual([200, headers.etag]);
});

test.each([
  ['br', 'gzip, deflate, br'],
  ['gzip', 'gzip, deflate'],
  ['gzip', 'br;q=0, gzip;q=0.5'],
  ['identity', 'identity'],
  ['identity', 'deflate, zstd'],
  ['identity', undefined],
])('a long public read comes as %s to a client that accepts %s', async (coding, accepted) => {
  const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
  const plain = await api.send('GET', '/t/long');
  // The first may come from the route, the second comes from memory.
  for (const reply of [await api.send('GET', '/t/long', { headers }), await api.send('GET', '/t/long', { headers })]) {
    expect(reply.headers['content-encoding'] ?? 'identity').toBe(coding);
    expect(reply.headers.vary?.toLowerCase()).toContain('accept-encoding');
    expect(reply.text).toBe(plain.text);
    expect(reply.headers.etag === plain.headers.etag).toBe(coding === 'identity');
    const sent = Number(reply.headers['content-length']);
    expect(sent < plain.text.length).toBe(coding !== 'identity');
  }
});

test('a client that has the answer in one coding gets a 304 for that coding alone', async () => {
  const gzip = { 'accept-encoding': 'gzip' };
  const { headers } = await api.send('GET', '/t/long', { headers: gzip });
  const same = await api.send('GET', '/t/long', { headers: { ...gzip, 'if-none-match': headers.etag! } });
  expect([same.status, same.text, same.headers['content-encoding']]).toEqual([304, '', undefined]);
  const plain = await api.send('GET', '/t/long', { headers: { 'if-none-match': headers.etag! } });
  expect([plain.status, plain.headers['content-encoding']]).toEqual([200, undefined]);
});

test('a short public read comes as it is', async () => {
  const { headers } = await api.send('GET', '/t/cached?short', { headers: { 'accept-encoding': 'gzip, br' } });
  expect(headers['content-encoding']).toBeUndefined();
});

test('a different target, method or body is not answered from memory', async () => {
  const before = (await api.send('GET', '/t/cached?c')).json as object;
  expect((await api.send('GET', '/t/cached?d')).json).not.toEqual(before);
  expect((await api.send('HEAD', '/t/cached?c')).text).toBe('');
  expect((await api.send('DELETE', '/t/cached?c')).status).toBe(405);
  expect((await api.send('GET', '/t/cached?c', { json: {} })).status).toBe(400);
  expect((await api.send('GET', '/t/cached?c')).json).toEqual(before);
});

test('an answer that is too old is not given from memory', async () => {
  maxAgeMs = 20;
  const before = (await api.send('GET', '/t/cached?e')).json as object;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect((await api.send('GET', '/t/cached?e')).json).not.toEqual(before);
  maxAgeMs = 60_000;
});

test('an answer that is not public is never kept', async () => {
  const { json } = await api.send('GET', '/t/fresh', { as: 'a' });
  expect((await api.send('GET', '/t/fresh', { as: 'a' })).json).not.toEqual(json);
  expect((await api.send('GET', '/t/fresh')).status).toBe(401);
});

test('answers from memory count towards the limit of the address', async () => {
  const limited = await startTestApi({ routes, env: { RATE_LIMIT_PER_IP: '4' } });
  const statuses = [];
  for (let i = 0; i < 5; i++) statuses.push((await limited.send('GET', '/t/cached?f')).status);
  await limited.stop();
  expect(statuses).toEqual([200, 200, 200, 200, 429]);
});
