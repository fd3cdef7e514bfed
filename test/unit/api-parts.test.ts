import { describe, expect, test } from '@jest/globals';
import { createCachedRead } from '../../src/api/cached-read.js';
import { newJobId } from '../../src/api/job-id.js';
import { errorsOf, openapiDocument } from '../../src/api/openapi.js';
import { waitingOf } from '../../src/api/prefer.js';
import { createRouter } from '../../src/api/router.js';
import type { RouteRule } from '../../src/api/route.js';
import { jobRequestSchema } from '../../src/domain/job-request.js';
import { isUuid } from '../../src/domain/uuid.js';
import { startTestApi } from './api-harness.js';
import { errorTable } from '../../src/wire/error-codes.js';

describe('Prefer', () => {
  test.each([
    ['', 20_000, undefined],
    ['wait=5', 5_000, 'wait=5'],
    ['wait=0', 0, 'wait=0'],
    ['WAIT = "7"', 7_000, 'wait=7'],
    ['wait=3600', 60_000, 'wait=60'],
    ['respond-async, wait=10', 0, 'respond-async'],
    ['handling=lenient, wait=10; foo', 10_000, 'wait=10'],
    ['wait=-1', 20_000, undefined],
    ['wait=1e3', 20_000, undefined],
    ['wait', 20_000, undefined],
  ])('the header Prefer: %j waits %i ms', (prefer, waitMs, applied) => {
    expect(waitingOf(prefer, 20)).toEqual(applied === undefined ? { waitMs } : { waitMs, applied });
  });
});

describe('job ids', () => {
  test('job ids are UUIDs of version 7, in the order of their creation', () => {
    const ids = [1_764_000_000_000, 1_764_000_000_001, 1_864_000_000_000].map(newJobId);
    expect(ids.every((id) => isUuid(id) && id[14] === '7' && '89ab'.includes(id[19]!))).toBe(true);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(Array.from({ length: 10_000 }, () => newJobId(0))).size).toBe(10_000);
  });
});

describe('cached reads', () => {
  test('concurrent readers share one read until the reply is too old', async () => {
    const read = createCachedRead({ maxAgeMs: 50, maxKeys: 10 });
    let loads = 0;
    const load = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { loads: ++loads };
    };
    const replies = await Promise.all(Array.from({ length: 20 }, () => read('a', load)));
    expect(loads).toBe(1);
    expect(new Set(replies.map(({ etag }) => etag)).size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect((await read('a', load)).body.identity.toString()).toBe('{"loads":2}');
  });

  test('all waiting readers get the error of a failed read, which is not cached', async () => {
    const read = createCachedRead({ maxAgeMs: 1_000, maxKeys: 10 });
    const failing = () => Promise.reject(new Error('away'));
    const results = await Promise.allSettled([read('a', failing), read('a', failing)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await read('a', async () => 1)).body.identity.toString()).toBe('1');
  });

  test('clients cannot fill the memory with cache keys', async () => {
    const read = createCachedRead({ maxAgeMs: 1_000, maxKeys: 2 });
    let loads = 0;
    for (const key of ['a', 'b', 'c', 'a']) await read(key, async () => ++loads);
    expect(loads).toBe(4);
    await read('c', async () => ++loads);
    expect(loads).toBe(4);
  });
});

describe('the route table', () => {
  const rule = (given: Partial<RouteRule>): RouteRule => ({
    method: 'GET',
    path: '/x',
    auth: 'none',
    scopes: [],
    limit: 'read',
    summary: '',
    responses: {},
    errors: [],
    handler: async () => {},
    ...given,
  });

  test('the router rejects two rules for one route, and scopes without authentication', () => {
    expect(() => createRouter([rule({ path: '/x/:id' }), rule({ path: '/x/:other' })], [])).toThrow(/two rules/);
    expect(() => createRouter([rule({ scopes: ['admin'] })], [])).toThrow(/scopes/);
  });
});

const openPolicy = {
  defaultImage: 'docker.io/library/debian:12',
  images: { allowlist: [], requireDigest: false },
  templates: [],
  minDurationS: 60,
  maxDurationS: 86_400,
};

describe('the OpenAPI page', () => {
  test('the OpenAPI page describes every route with its statuses, parameters and credentials', async () => {
    const api = await startTestApi();
    const { json: page } = await api.send('GET', '/openapi.json');
    await api.stop();
    expect(page.openapi).toBe('3.1.0');
    const create = page.paths['/api/v1/jobs'].post;
    expect(Object.keys(create.responses)).toEqual(
      expect.arrayContaining([
        '200',
        '201',
        '202',
        '400',
        '401',
        '403',
        '409',
        '413',
        '415',
        '422',
        '429',
        '500',
        '503',
      ]),
    );
    expect(create.requestBody.content['application/json'].schema.required).toBeUndefined();
    expect(create.parameters.map(({ name }: { name: string }) => name).sort()).toEqual(['idempotency-key', 'prefer']);
    expect(create.security).toHaveLength(2);
    expect(page.paths['/api/v1/jobs/{id}'].get.parameters).toMatchObject([{ name: 'id', in: 'path', required: true }]);
    expect(page.paths['/api/v1/providers'].get.security).toEqual([]);
    const operations = Object.values<Record<string, { operationId: string }>>(page.paths).flatMap((path) =>
      Object.values(path),
    );
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(JSON.stringify(page)).not.toContain('"$schema"');
  });

  test('the OpenAPI page shows an order as a customer writes it, and the defaults in the units of the request', async () => {
    const api = await startTestApi();
    const { json: page } = await api.send('GET', '/openapi.json');
    const { schema } = page.paths['/api/v1/jobs'].post.requestBody.content['application/json'];
    expect(schema.properties).toMatchObject({ memory_gb: { default: 16 }, duration_hours: { default: 1 } });
    const order = schema.examples[0];
    await api.stop();
    expect(jobRequestSchema(openPolicy).safeParse(order).success).toBe(true);
    expect(jobRequestSchema(openPolicy).parse({ ssh_public_keys: order.ssh_public_keys })).toMatchObject({
      memoryMb: 16_384,
      durationSeconds: 3_600,
    });
  });

  test('the OpenAPI page lists every code under its status in the table', () => {
    const rule: RouteRule = {
      method: 'POST',
      path: '/x',
      auth: 'any',
      scopes: ['jobs:write'],
      limit: 'write',
      summary: '',
      request: {},
      responses: { 200: { description: '' } },
      errors: ['no_capacity'],
      handler: async () => {},
    };
    const page = openapiDocument([rule], 'http://localhost') as {
      paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
    };
    const { responses } = page.paths['/x']!['post']!;
    for (const code of errorsOf(rule)) expect(responses[errorTable[code].status]!.description).toContain(code);
  });
});
