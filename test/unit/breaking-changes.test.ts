import { describe, expect, test } from '@jest/globals';
import { breakingChanges } from '../../scripts/releases/breaking-changes.js';
import { unlisted } from '../../scripts/releases/changelog.js';
import type { PublicSurface } from '../../scripts/releases/public-surface.js';

type Part = Record<string, unknown>;
const reference = { $ref: '#/components/schemas/Job' };
const order = {
  type: 'object',
  properties: {
    name: { anyOf: [{ type: 'string', maxLength: 64 }, { type: 'null' }] },
    gpus: { type: 'integer', minimum: 1, maximum: 8 },
    kind: { enum: ['spot', 'fixed'], type: 'string' },
  },
  required: ['gpus'],
};
const job = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    status: { type: 'string', enum: ['running', 'ended'] },
    price: { type: 'integer' },
    parts: { type: 'array', items: { type: 'object', properties: { size: { type: 'integer' } }, required: ['size'] } },
    next: reference,
  },
  required: ['id', 'status', 'parts'],
};

function surface({ body = order, reply = job, route = {}, ...rest }: Part & { body?: Part; reply?: Part } = {}) {
  const operation = {
    security: [{ bearer: [] }, { session_key: [] }],
    'x-scopes': ['jobs:write'],
    parameters: [{ name: 'wait', in: 'query', required: false, schema: { type: 'integer', maximum: 60 } }],
    requestBody: { required: true, content: { 'application/json': { schema: body } } },
    responses: {
      201: { content: { 'application/json': { schema: reference }, 'text/csv': { schema: { type: 'string' } } } },
      422: {},
    },
    ...(route as Part),
  };
  return {
    openapi: { paths: { '/jobs': { post: operation } }, components: { schemas: { Job: reply } } },
    streams: { heartbeat: { type: 'object', properties: { status: { type: 'string' } }, required: [] } },
    metrics: { jobs_total: { type: 'counter', labels: ['kind'] } },
    configuration: { MAX_JOBS: { type: 'integer', minimum: 1, maximum: 10, default: 5 } },
    errors: { no_capacity: 409 },
    commands: { 'wl up': ['--gpu'] },
    exitCodes: { noCapacity: 5 },
    ...rest,
  } as PublicSurface;
}

/** What differs from the surface before, in one line each. */
const says = (after: Parameters<typeof surface>[0]) =>
  breakingChanges(surface(), surface(after)).map(({ place, field, says: it }) => [place, field, it].join(' | '));
const withProperty = (of: typeof order | typeof job, name: string, schema: unknown, required = of.required) => ({
  ...of,
  properties: { ...of.properties, [name]: schema },
  required,
});
const without = (of: typeof order | typeof job, name: string) => ({
  ...of,
  properties: Object.fromEntries(Object.entries(of.properties).filter(([each]) => each !== name)),
  required: of.required.filter((each) => each !== name),
});

test('a surface breaks nothing of itself', () => {
  expect(says({})).toEqual([]);
});

test.each<[string, Parameters<typeof surface>[0]]>([
  ['a field that an order may have', { body: withProperty(order, 'disk', { type: 'integer' }) }],
  [
    'a field that a reply has',
    { reply: withProperty(job, 'ended_by', { type: 'string' }, [...job.required, 'ended_by']) },
  ],
  [
    'a value of a reply',
    { reply: withProperty(job, 'status', { enum: ['running', 'ended', 'lost'], type: 'string' }) },
  ],
  ['a value that an order may have', { body: withProperty(order, 'kind', { type: 'string' }) }],
  ['wider bounds', { body: withProperty(order, 'gpus', { type: 'integer', minimum: 0 }) }],
  ['another type that an order may have', { body: withProperty(order, 'gpus', { type: ['number', 'string'] }) }],
  ['a field that an order no longer needs', { body: { ...order, required: [] } }],
  ['a field that a reply always has', { reply: { ...job, required: [...job.required, 'price'] } }],
  ['a route that needs no login any more', { route: { security: [], 'x-scopes': [] } }],
  [
    'a metric, a label, a variable, a code, a command and an option',
    {
      metrics: { jobs_total: { type: 'counter', labels: ['kind', 'site'] }, more: { type: 'gauge', labels: [] } },
      configuration: { MAX_JOBS: { type: 'integer', minimum: 1, maximum: 20, default: 5 }, NEW: { type: 'string' } },
      errors: { no_capacity: 409, blocked: 403 },
      commands: { 'wl up': ['--gpu', '--name'], 'wl top': [] },
      exitCodes: { noCapacity: 5, money: 6 },
    },
  ],
])('what is added breaks nothing: %s', (_, after) => {
  expect(says(after)).toEqual([]);
});

describe('what others built on is named when it is broken', () => {
  const post = 'POST /jobs';
  test.each<[string, Parameters<typeof surface>[0]]>([
    [`${post} | kind | is no longer taken`, { body: without(order, 'kind') }],
    [
      `${post} | kind | no longer takes "spot"`,
      { body: withProperty(order, 'kind', { enum: ['fixed'], type: 'string' }) },
    ],
    [`${post} | kind | has to be given`, { body: { ...order, required: ['gpus', 'kind'] } }],
    [`${post} | site | has to be given`, { body: withProperty(order, 'site', { type: 'string' }, ['gpus', 'site']) }],
    [
      `${post} | name | takes no null any more`,
      { body: withProperty(order, 'name', { type: 'string', maxLength: 64 }) },
    ],
    [
      `${post} | name | has maxLength 32, which was 64`,
      { body: withProperty(order, 'name', { anyOf: [{ type: 'string', maxLength: 32 }, { type: 'null' }] }) },
    ],
    [
      `${post} | gpus | has minimum 2, which was 1`,
      { body: withProperty(order, 'gpus', { type: 'integer', minimum: 2, maximum: 8 }) },
    ],
    [
      `${post} | name | has another pattern`,
      {
        body: withProperty(order, 'name', {
          anyOf: [{ type: 'string', maxLength: 64, pattern: '^a' }, { type: 'null' }],
        }),
      },
    ],
    [`${post} |  | refuses fields that it does not know`, { body: { ...order, additionalProperties: false } }],
    [`${post} | wait | is no longer taken`, { route: { parameters: [] } }],
    [
      `${post} | wait | has to be given`,
      {
        route: {
          parameters: [{ name: 'wait', in: 'query', required: true, schema: { type: 'integer', maximum: 60 } }],
        },
      },
    ],
    [`${post} |  | is not open to bearer any more`, { route: { security: [{ session_key: [] }] } }],
    [`${post} | admin | is a scope that it asks for now`, { route: { 'x-scopes': ['jobs:write', 'admin'] } }],
    [`${post} | 201 | is never its status now`, { route: { responses: { 202: {}, 422: {} } } }],
    [
      `${post} | text/csv | is never its answer now`,
      { route: { responses: { 201: { content: { 'application/json': { schema: reference } } } } } },
    ],
    [`${post} | status | is gone`, { reply: without(job, 'status') }],
    [
      `${post} | parts[].size | is gone`,
      { reply: withProperty(job, 'parts', { type: 'array', items: { type: 'object', properties: {} } }) },
    ],
    [`${post} | price | may be string now`, { reply: withProperty(job, 'price', { type: ['integer', 'string'] }) }],
    [`${post} | status | may be absent now`, { reply: { ...job, required: ['id', 'parts'] } }],
    [
      `${post} | status | is never "ended" now`,
      { reply: withProperty(job, 'status', { enum: ['running'], type: 'string' }) },
    ],
    ['heartbeat | status | is no longer taken', { streams: { heartbeat: { type: 'object', properties: {} } } }],
    ['jobs_total |  | is gone', { metrics: {} }],
    ['jobs_total | kind | is gone', { metrics: { jobs_total: { type: 'counter', labels: [] } } }],
    ['jobs_total |  | is a gauge, and was a counter', { metrics: { jobs_total: { type: 'gauge', labels: ['kind'] } } }],
    ['MAX_JOBS |  | is gone', { configuration: {} }],
    [
      'MAX_JOBS |  | is 6 unless set, and was 5',
      { configuration: { MAX_JOBS: { type: 'integer', minimum: 1, maximum: 10, default: 6 } } },
    ],
    [
      'MAX_JOBS |  | has maximum 9, which was 10',
      { configuration: { MAX_JOBS: { type: 'integer', minimum: 1, maximum: 9, default: 5 } } },
    ],
    ['no_capacity |  | is gone', { errors: {} }],
    ['no_capacity |  | has the status 503, which was 409', { errors: { no_capacity: 503 } }],
    ['wl up |  | is gone', { commands: {} }],
    ['wl up | --gpu | is gone', { commands: { 'wl up': [] } }],
    ['noCapacity |  | has the code 9, which was 5', { exitCodes: { noCapacity: 9 } }],
  ])('%s', (line, after) => {
    expect(says(after)).toEqual([line]);
  });

  test('a route that is gone', () => {
    const now = surface();
    const openapi = { ...now.openapi, paths: { '/jobs': {} } };
    expect(breakingChanges(surface(), { ...now, openapi })).toEqual([{ place: post, field: '', says: 'is gone' }]);
  });
});

test('a change is listed where one point of the section names its place and its field, each in backticks', () => {
  const change = { place: 'POST /jobs', field: 'parts[].size', says: 'is gone' };
  const listed = (points: string) =>
    unlisted([change], `## 2.0.0\n\n### Breaking\n${points}\n\n### Other\n- \`size\`\n`);
  expect(listed('- `POST /jobs`: its `size` is gone.')).toEqual([]);
  expect(listed('- `POST /jobs`: its `parts[].size` is gone,\n  at last.')).toEqual([]);
  expect(listed('- `POST /jobs`: less.\n- `size` of something else.')).toEqual([change]);
  expect(listed('- `POST /job`: its `size` is gone.')).toEqual([change]);
  expect(unlisted([change], '## 2.0.0\n\n### Other\n- `POST /jobs`: `size`')).toEqual([change]);
  expect(unlisted([{ ...change, field: '' }], '### Breaking\n- `POST /jobs` is gone.')).toEqual([]);
});
