import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { cachedReply } from '../../src/api/cached-read.js';
import type { RouteRule } from '../../src/api/route.js';
import { sendCached } from '../../src/api/send-cached.js';
import { startTestApi, testRoute, type Reply, type TestApi } from './api-harness.js';

let answered = 0;
const rule = (given: Partial<RouteRule> & Pick<RouteRule, 'method' | 'path'>): RouteRule =>
  testRoute({
    handler: async (ctx) =>
      await sendCached(ctx, cachedReply({ answered: ++answered, query: ctx.state.query ?? null }, 60_000)),
    ...given,
  });
const query = z.object({ status: z.enum(['running', 'ended']).optional(), limit: z.string().default('50') });

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    routes: [
      rule({ method: 'GET', path: '/t/list', request: { query } }),
      rule({ method: 'GET', path: '/t/plain' }),
      rule({ method: 'POST', path: '/t/plain', limit: 'write' }),
      rule({ method: 'GET', path: '/t/mine', auth: 'any', request: { query } }),
    ],
  });
});
afterAll(async () => await api.stop());

const told = ({ status, json }: Reply) => [status, json.code, json.errors] as const;
const refused = (...errors: [string, string][]) => [
  422,
  'validation_failed',
  errors.map(([field, message]) => ({ field, message })),
];

describe('a field of a query that does not exist', () => {
  test('is refused with the name of the one that was meant', async () => {
    expect(told(await api.send('GET', '/t/list?state=running'))).toEqual(
      refused(['query.state', 'unknown; did you mean status?']),
    );
  });

  test('is refused with those there are, where none is near', async () => {
    expect(told(await api.send('GET', '/t/list?wallet=0x1'))).toEqual(
      refused(['query.wallet', 'unknown; known are status, limit']),
    );
  });

  test('is refused by routes that take no query, whatever their method', async () => {
    const reason = refused(['query.verbose', 'unknown; this route takes no query']);
    expect(told(await api.send('GET', '/t/plain?verbose'))).toEqual(reason);
    expect(told(await api.send('POST', '/t/plain?verbose=1'))).toEqual(reason);
    expect(told(await api.send('GET', '/openapi.json?verbose=1'))).toEqual(reason);
    expect((await api.send('HEAD', '/t/plain?verbose')).status).toBe(422);
  });

  test('is told together with whatever else is wrong', async () => {
    expect(told(await api.send('GET', '/t/list?stat=1&status=no'))).toEqual(
      refused(
        ['query.stat', 'unknown; did you mean status?'],
        ['query.status', expect.any(String) as unknown as string],
      ),
    );
  });

  test('is told only to those who may ask', async () => {
    expect((await api.send('GET', '/t/mine?state=running')).status).toBe(401);
    expect((await api.send('GET', '/t/mine?state=running', { as: 'a' })).status).toBe(422);
  });

  test('is repeated without anything that a terminal would obey', async () => {
    const [, , errors] = told(await api.send('GET', '/t/list?%1b%5b2J%e2%80%aex=1'));
    expect(errors).toEqual([{ field: 'query.?[2J?x', message: 'unknown; known are status, limit' }]);
  });

  test.each(['__proto__=1', 'constructor=1', 'toString=1', '=1'])('%s is one of them', async (field) => {
    expect((await api.send('GET', `/t/list?${field}`)).status).toBe(422);
  });
});

test('a field that is given twice is refused, and named once', async () => {
  expect(told(await api.send('GET', '/t/list?limit=1&limit=2'))).toEqual(
    refused(['query.limit', 'is given more than once']),
  );
  // The same value is no excuse: whoever put the second there may put another one tomorrow.
  expect(told(await api.send('GET', '/t/list?status=running&status=running'))).toEqual(
    refused(['query.status', 'is given more than once']),
  );
});

test.each(['', '?', '?&', '?&&'])('a query without fields (%j) is none', async (empty) => {
  expect((await api.send('GET', `/t/plain${empty}`)).status).toBe(200);
});

test.each(['/health', '/ready'])('%s answers probes, whatever they add', async (path) => {
  expect((await api.send('GET', `${path}?_=17&probe=lb&probe=2`)).status).toBe(200);
});

test('what the caches know does not let a query pass that the route refuses', async () => {
  expect((await api.send('GET', '/t/list')).status).toBe(200);
  expect((await api.send('GET', '/t/list?limit=50')).status).toBe(200);
  const before = answered;
  for (let i = 0; i < 2; i++) {
    expect((await api.send('GET', '/t/list?limit=50&state=running')).status).toBe(422);
    expect((await api.send('GET', '/t/list?limit=50&limit=50')).status).toBe(422);
  }
  // And the right one is still answered from memory.
  expect((await api.send('GET', '/t/list?limit=50')).json.answered).toBe(before);
});
