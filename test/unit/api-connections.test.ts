import { afterEach, describe, expect, test } from '@jest/globals';
import { exchange, rawConnection, type RawConnection } from '../support/raw-http.js';
import { until } from '../support/until.js';
import { startTestApi, testRoute, type TestApi } from './api-harness.js';

/** One that takes its time, as one does whose client asked it to wait. */
const slowly = testRoute({
  path: '/t/slowly',
  handler: async (ctx) => {
    await new Promise((done) => setTimeout(done, 1_500));
    ctx.body = { done: true };
  },
});
const read = 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
const keptAlive = 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n';

let api: TestApi | undefined;
let opened: RawConnection[] = [];

afterEach(async () => {
  for (const { socket } of opened) socket.destroy();
  opened = [];
  await api?.stop(0);
  api = undefined;
});

async function start(env: Record<string, string> = {}): Promise<TestApi> {
  return (api = await startTestApi({ env, routes: [slowly] }));
}

/** Connections on which nothing is said. */
async function silent(count: number, from?: string): Promise<RawConnection[]> {
  const all = await Promise.all(Array.from({ length: count }, () => rawConnection(api!.port, from)));
  opened.push(...all);
  return all;
}

const openOnes = (connections: readonly RawConnection[]) => connections.filter((each) => each.isOpen()).length;

describe('connections on which nothing happens', () => {
  test('many connections of one address lock out neither its other clients nor anybody else', async () => {
    const { port } = await start({ MAX_CONNECTIONS_PER_IP: '5' });
    const idle = await silent(50);
    await until(() => openOnes(idle) <= 5, { name: 'no more than its share is open', everyMs: 20 });
    expect(await exchange(port, read)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await exchange(port, read, '127.0.0.2')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('when all connections are taken, a new one replaces one of the address that holds most', async () => {
    const { port } = await start({ MAX_CONNECTIONS: '20' });
    const [neighbour] = await silent(1, '127.0.0.3');
    neighbour!.socket.write(keptAlive);
    await until(() => neighbour!.received().includes('200 OK'), { everyMs: 10 });
    const taken = await silent(60, '127.0.0.2');
    await until(() => openOnes(taken) <= 19, { everyMs: 20 });
    for (let at = 0; at < 10; at++) expect(await exchange(port, read)).toMatch(/^HTTP\/1\.1 200 /);
    expect(neighbour!.isOpen()).toBe(true);
    neighbour!.socket.write(keptAlive);
    await until(() => neighbour!.received().split('200 OK').length === 3, { everyMs: 10 });
  });

  test('a connection that is being answered is never closed to make room', async () => {
    const { port } = await start({ MAX_CONNECTIONS_PER_IP: '3' });
    const asking = exchange(port, 'GET /t/slowly HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await new Promise((done) => setTimeout(done, 200));
    await silent(30);
    expect(await asking).toContain('{"done":true}');
  });

  test('a connection that sends no byte for five seconds is closed', async () => {
    await start();
    const [idle] = await silent(1);
    const afterMs = await idle!.closed(9_000);
    expect(afterMs).toBeGreaterThan(4_000);
    expect(afterMs).toBeLessThan(8_000);
  }, 15_000);

  test('a connection whose headers never end is answered with an error after ten seconds', async () => {
    await start();
    const [slow] = await silent(1);
    slow!.socket.write('GET /health HTTP/1.1\r\n');
    const dripping = setInterval(() => slow!.socket.write('x: y\r\n'), 500);
    const afterMs = await slow!.closed(14_000);
    clearInterval(dripping);
    expect(afterMs).toBeLessThan(13_000);
    expect(slow!.received()).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
  }, 20_000);

  test('a connection whose promised body does not come gives up its place', async () => {
    const { port } = await start({ MAX_CONNECTIONS_PER_IP: '4' });
    const waiting = await silent(4);
    for (const { socket } of waiting) {
      socket.write(
        'POST /t/slowly HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
      );
    }
    await new Promise((done) => setTimeout(done, 100));
    expect(await exchange(port, read)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('connections through a proxy are not counted by the proxy’s address', async () => {
    await start({ MAX_CONNECTIONS_PER_IP: '2', TRUST_PROXY: 'true' });
    const pooled = await silent(20);
    await new Promise((done) => setTimeout(done, 300));
    expect(openOnes(pooled)).toBe(20);
  });
});

test('a client that sends requests without reading the responses is cut off', async () => {
  const { port } = await start();
  const answer = await exchange(port, 'GET /t/slowly HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(100));
  expect(answer).toBe('');
});

describe('headers', () => {
  const withHeaders = (lines: readonly string[]) =>
    `GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

  test.each([65, 300, 1_500])('a request with %i headers is rejected, and no header is dropped', async (count) => {
    const { port } = await start();
    const answer = await exchange(port, withHeaders(Array<string>(count).fill('a:1')));
    expect(answer).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/);
    expect(answer).toContain(`the request has ${count + 2} headers; 64 is the most`);
  });

  test('headers beyond eight kilobytes are rejected with an explanation', async () => {
    const { port } = await start();
    const answer = await exchange(port, withHeaders([`x: ${'y'.repeat(9_000)}`]));
    expect(answer).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headers_too_large"/);
  });

  test('headers that never end are rejected with an explanation', async () => {
    const { port } = await start();
    expect(await exchange(port, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed_request"/);
  });

  test.each([
    'Authorization',
    'Idempotency-Key',
    'X-Session-Key',
    'X-Session-Nonce',
    'X-Provider-Signature',
    'X-Request-Id',
    'Content-Type',
    'User-Agent',
    'Origin',
  ])('that are read as one value are refused where %s comes twice', async (name) => {
    const { port } = await start();
    const answer = await exchange(port, withHeaders([`${name}: one`, `${name.toLowerCase()}: two`]));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(`the header ${name.toLowerCase()} is given more than once`);
  });

  test('headers that are lists may come in several lines', async () => {
    const { port } = await start();
    const answer = await exchange(
      port,
      withHeaders(['prefer: wait=1', 'prefer: respond-async', 'accept: a', 'accept: b']),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
