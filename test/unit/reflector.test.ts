import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CoreV1Api, type V1Node } from '@kubernetes/client-node';
import { pino } from 'pino';
import { PooledKubeConfig } from '../../src/kubernetes/pooled-config.js';
import { Reflector, type ReflectorTimes } from '../../src/kubernetes/reflector.js';
import { until } from '../support/until.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An API server that does what a test says; in the beginning it has one node, and a watch to which nothing happens. */
let api: { server: Server; list: Answer; watch: Answer; lists: number; watches: number };
let reflector: Reflector<V1Node, string>;

const listOf = (...names: string[]): Answer => {
  const items = names.map((name) => ({ metadata: { name, resourceVersion: '1' } }));
  return (_request, response) => void response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items }));
};
const silence: Answer = () => undefined;
const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const named = (name: string) => ({ metadata: { name, resourceVersion: '2' } });

beforeEach(async () => {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    const isWatch = request.url!.includes('watch=true');
    if (isWatch) api.watches++;
    else api.lists++;
    (isWatch ? api.watch : api.list)(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const quiet: Answer = (_request, response) => void response.write('\n');
  api = { server, list: listOf('one'), watch: quiet, lists: 0, watches: 0 };
});
afterEach(async () => {
  await reflector.stop();
  api.server.closeAllConnections();
  api.server.close();
});

function start(onList: (seen: string[]) => Promise<void>, times: Partial<ReflectorTimes> = {}): string[] {
  const { port } = api.server.address() as AddressInfo;
  const kubeConfig = new PooledKubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'test' },
  );
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const events: string[] = [];
  reflector = new Reflector<V1Node, string>({
    kubeConfig,
    name: 'nodes',
    path: '/api/v1/nodes',
    list: (page) => core.listNode(page),
    see: (node) => node.metadata!.name!,
    onList,
    onEvent: (type, node) => events.push(`${type} ${node.metadata!.name}`),
    logger: pino({ level: 'silent' }),
    times,
  });
  reflector.start();
  return events;
}

const done = () => Promise.resolve();
const synced = () => until(() => reflector.synced, { name: 'it is up to date' });

describe('a watch that ended with a gap', () => {
  test('a reflector is not up to date while a new list is missing', async () => {
    let end: ((text: string) => void) | undefined;
    api.watch = (_request, response) => void (end = (text) => response.end(text));
    start(done);
    await synced();
    await until(() => end !== undefined);
    api.list = silence;
    end!(event('ERROR', { code: 410 }));
    await until(() => api.lists === 2, { name: 'it lists again' });
    expect(reflector.synced).toBe(false);
  });

  test('a reflector abandons a page that never comes, and lists again', async () => {
    api.list = silence;
    start(done, { pageMs: 200 });
    await until(() => api.lists === 2, { name: 'it lists again' });
    expect(reflector.synced).toBe(false);
    api.list = listOf('one');
    await synced();
  });
});

describe('a comparison of what was listed', () => {
  test('a stuck comparison does not delay the watch, and the reflector is not up to date until it is done', async () => {
    let finish: (() => void) | undefined;
    api.watch = (_request, response) => void response.write(event('MODIFIED', named('two')));
    const events = start(() => new Promise((resolve) => (finish = resolve)), { onListMs: 200 });
    await until(() => events.includes('MODIFIED two'), { name: 'news come in' });
    expect(reflector.synced).toBe(false);
    finish!();
    await synced();
  });

  test('a comparison that fails late is repeated', async () => {
    let fail: ((error: Error) => void) | undefined;
    let lists = 0;
    start(() => (lists++ === 0 ? new Promise((_, reject) => (fail = reject)) : done()), { onListMs: 100 });
    await until(() => api.watches === 1, { name: 'it watches' });
    fail!(new Error('the database is away'));
    await synced();
    expect(lists).toBe(2);
  });
});

test('a watch that the server never answers is given up, and what comes of it later is not heard', async () => {
  const held: ServerResponse[] = [];
  api.watch = (_request, response) => void held.push(response);
  const events = start(done, { silenceMs: 300 });
  await until(() => api.watches === 2, { name: 'it watches anew' });
  held[0]!.write(event('MODIFIED', named('late')));
  held[1]!.write(event('MODIFIED', named('in time')));
  await until(() => events.length > 0, { name: 'news come in' });
  expect(events).toEqual(['MODIFIED in time']);
});

test('a stop does not wait for a list that never comes', async () => {
  api.list = silence;
  start(done);
  await until(() => api.lists === 1);
  const toldAt = Date.now();
  await reflector.stop();
  expect(Date.now() - toldAt).toBeLessThan(500);
});
