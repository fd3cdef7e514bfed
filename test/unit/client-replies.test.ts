import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connect, isCode, type ConnectOptions } from '../../src/client/index.js';
import { failure } from '../support/client-failure.js';
import { events, hangUp, json, problem, startFalseBroker, type FalseBroker } from '../support/false-broker.js';

let broker: FalseBroker;
beforeAll(async () => void (broker = await startFalseBroker()));
afterEach(() => void broker.received.splice(0));
afterAll(() => broker.stop());

const client = (options: Partial<ConnectOptions> = {}) =>
  connect({ api: broker.url, token: 'wlb_test', retries: 0, ...options });
const job = { job_id: 'j', status: 'provisioning', image: 'i', gpu_count: 1, created_at: '2026-01-01T00:00:00Z' };

test('a broker that is not there is `network`, with the reason in words', async () => {
  const gone = await startFalseBroker();
  await gone.stop();
  const error = await failure(client({ api: gone.url }).market.now());
  expect([error.code, error.status, error.retryable]).toEqual(['network', 0, true]);
  expect(error.detail).toContain(`${gone.url} cannot be reached: ECONNREFUSED`);
});

test('a broker that hangs up is `network`, and one that never answers is `timeout`', async () => {
  broker.answer(hangUp);
  expect((await failure(client().market.now())).code).toBe('network');
  broker.answer(() => undefined);
  const late = await failure(client({ timeoutMs: 50 }).market.now());
  expect([late.code, late.detail]).toEqual(['timeout', `${broker.url} did not answer within 0.05 s`]);
  broker.answer((_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":'));
  expect((await failure(client({ timeoutMs: 50 }).market.now())).code).toBe('timeout');
});

test.each<[string, Parameters<FalseBroker['answer']>[0], RegExp]>([
  ['a page of HTML', (_, r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<p>'), /text\/html, not as/],
  [
    'JSON that breaks off',
    (_, r) => void r.writeHead(200, { 'content-type': 'application/json' }).end('{'),
    /cannot be read/,
  ],
  ['a failure that is none of a broker', json(500, { error: 'oops' }), /answered 500/],
  [
    'a redirect',
    (_, r) => void r.writeHead(302, { location: 'https://elsewhere.example' }).end(),
    /redirects to https:\/\/elsewhere/,
  ],
  [
    'a proxy without a broker',
    (_, r) => void r.writeHead(502, { 'content-type': 'text/html' }).end('<h1>'),
    /answered 502/,
  ],
])('%s is `protocol`, and says what came', async (_, answer, words) => {
  broker.answer(answer);
  const error = await failure(client().market.now());
  expect(error.code).toBe('protocol');
  expect(error.detail).toMatch(words);
});

test('a failure of the broker keeps its code, its fields, its id and what else it says', async () => {
  const errors = [{ field: 'gpu_type', message: 'unknown' }];
  broker.answer(problem(422, 'validation_failed', { errors }));
  const error = await failure(client().jobs.get('j'));
  expect(error).toMatchObject({ code: 'validation_failed', status: 422, requestId: 'req-1', fields: errors });
  broker.answer(problem(409, 'no_capacity', { job_id: 'x', free: [{ gpu_type: 'l40s' }] }));
  const full = await failure(client().jobs.create({ ssh_public_keys: ['k'] }));
  expect(isCode(full, 'no_capacity') && full.data.free?.[0]?.gpu_type).toBe('l40s');
  broker.answer(problem(418, 'a_code_of_tomorrow'));
  expect((await failure(client().jobs.get('j'))).code).toBe('a_code_of_tomorrow');
});

test('what failed on the way is repeated, and an order is repeated with its own key', async () => {
  broker.answer(hangUp, json(202, job));
  const { state } = await client({ retries: 1 }).jobs.create({ ssh_public_keys: ['k'] }, { wait: 0 });
  expect(state).toBe('starting');
  const keys = broker.received.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
});

test('a request that changes something and has no key is sent once', async () => {
  broker.answer(hangUp, json(200, {}));
  expect((await failure(client({ retries: 3 }).providers.cordon('p'))).code).toBe('network');
  expect(broker.received).toHaveLength(1);
});

test('a limit is waited for, but not longer than a minute', async () => {
  broker.answer(problem(429, 'rate_limited', {}, { 'retry-after': '0' }), json(200, {}));
  await client({ retries: 1 }).providers.cordon('p');
  broker.answer(problem(429, 'rate_limited', {}, { 'retry-after': '61' }), json(200, {}));
  expect((await failure(client({ retries: 1 }).providers.cordon('p'))).retryAfterS).toBe(61);
});

test('a parameter of a route is one segment of its path, and never another route', async () => {
  broker.answer(json(200, job));
  await client().jobs.get('../auth/me?x=1');
  expect(broker.received[0]!.target).toBe('/api/v1/jobs/..%2Fauth%2Fme%3Fx%3D1');
  expect((await failure(client().jobs.end('..'))).code).toBe('validation_failed');
  expect((await failure(client().jobs.end(''))).code).toBe('validation_failed');
});

test('public routes are asked without the token', async () => {
  broker.answer(json(200, { providers: [], count: 0 }));
  await client().providers.list().all();
  expect(broker.received[0]!.headers.authorization).toBeUndefined();
  broker.answer(json(200, job));
  await client().jobs.get('j');
  expect(broker.received[1]!.headers.authorization).toBe('Bearer wlb_test');
});

test('what has to be signed is not tried with a token alone', async () => {
  expect((await failure(client().admin.stuck())).code).toBe('not_logged_in');
  expect(broker.received).toEqual([]);
});

test('the address of a route or of a page below the broker is taken for the broker’s', () => {
  for (const path of ['', '/', '/api', '/api/v1', '/api/v1/']) {
    expect(connect({ api: `https://b.example${path}` }).api).toBe('https://b.example');
    expect(connect({ api: `https://b.example/gpu${path}` }).api).toBe('https://b.example/gpu');
  }
  for (const api of ['b.example', 'ftp://b.example', 'https://user@b.example', ''])
    expect(() => connect({ api })).toThrow('is not the address of a broker');
});

test('a list is read page by page, and a cursor that leads to itself ends it', async () => {
  broker.answer(json(200, { jobs: [job, job], next_cursor: 'c' }), json(200, { jobs: [job], next_cursor: 'c' }));
  expect(
    await client()
      .jobs.list({ status: ['running', 'failed'] })
      .all(),
  ).toHaveLength(3);
  expect(broker.received.map(({ target }) => target)).toEqual([
    '/api/v1/jobs?status=running%2Cfailed',
    '/api/v1/jobs?status=running%2Cfailed&cursor=c',
  ]);
});

test('events go on after a lost connection where they were, without a gap or a twin', async () => {
  const all = ['ordered', 'placed', 'ssh_ready', 'ended'].map((kind, at) => ({ seq: at + 1, kind }));
  broker.answer(
    events(all.slice(0, 2), { ends: true }),
    hangUp,
    problem(503, 'dependency_unavailable'),
    events(all.slice(0, 3), { ends: true }),
    events(all),
  );
  const seen: number[] = [];
  for await (const { seq } of client().jobs.events('j')) seen.push(seq);
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(broker.received).toHaveLength(5);
});

test('an event that the broker repeats is given out once', async () => {
  const list = [2, 2, 1, 3].map((seq) => ({ seq, kind: seq === 3 ? 'ended' : 'placed' }));
  broker.answer(events(list));
  const seen: number[] = [];
  for await (const { seq } of client().jobs.events('j')) seen.push(seq);
  expect(seen).toEqual([2, 3]);
});

test('where there is no stream, a job’s events are told from its states', async () => {
  const ended = { ...job, provider_id: 'p', started_at: job.created_at, status: 'expired', ended_at: job.created_at };
  broker.answer(problem(404, 'not_found'), json(200, ended));
  const seen: string[] = [];
  for await (const { kind } of client().jobs.events('j')) seen.push(kind);
  expect(seen).toEqual(['ordered', 'placed', 'ssh_ready', 'ended']);
});

test('a job of somebody else has no events, and that is said instead of polled', async () => {
  broker.answer(problem(404, 'job_not_found'));
  const read = client().jobs.events('j')[Symbol.asyncIterator]();
  expect((await failure(read.next())).code).toBe('job_not_found');
  expect(broker.received).toHaveLength(1);
});

test('an order that does not start fails with the job’s own reason', async () => {
  const failed = { ...job, status: 'failed', failure_reason: 'image_pull_failed', failure_message: 'no such image' };
  broker.answer(json(202, job), events([{ seq: 1, kind: 'ended' }]), json(200, failed));
  const error = await failure(client().jobs.rentAndWait({ ssh_public_keys: ['k'] }));
  expect(error).toMatchObject({ code: 'image_pull_failed', detail: 'no such image', data: { job_id: 'j' } });
});

test('a wait that is over says which job goes on, and cancels it only if that was asked for', async () => {
  broker.answer(json(202, job), events([{ seq: 1, kind: 'ordered' }]));
  const late = await failure(client().jobs.rentAndWait({ ssh_public_keys: ['k'] }, { timeoutMs: 50 }));
  expect([late.code, late.data['job_id']]).toEqual(['timeout', 'j']);
  const methods = () => broker.received.splice(0).map(({ method }) => method);
  expect(methods()).toEqual(['POST', 'GET']);

  for (const [onAbort, expected] of [
    ['keep', ['POST', 'GET']],
    ['cancel', ['POST', 'GET', 'DELETE']],
  ] as const) {
    broker.answer(json(202, job), events([{ seq: 1, kind: 'ordered' }]), json(200, job));
    const stop = new AbortController();
    const options = { signal: stop.signal, onAbort, onEvent: () => stop.abort() };
    const error = await failure(client().jobs.rentAndWait({ ssh_public_keys: ['k'] }, options));
    expect([error.code, error.data['job_id']]).toEqual(['aborted', 'j']);
    expect(methods()).toEqual(expected);
  }
});

test('a running job whose login is missing is `protocol`, so that nobody logs in unverified', async () => {
  const running = {
    ...job,
    status: 'running',
    provider_id: 'p',
    ssh_host: 'h',
    ssh_port: 1,
    ssh_user: 'root',
    ssh_command: 'ssh',
  };
  broker.answer(json(202, job), events([{ seq: 1, kind: 'ssh_ready' }]), json(200, running));
  const error = await failure(client().jobs.rentAndWait({ ssh_public_keys: ['k'] }));
  expect([error.code, error.data['field']]).toEqual(['protocol', 'known_hosts']);
});
