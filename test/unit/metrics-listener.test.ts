import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Counter, Registry } from 'prom-client';
import { startMetricsListener, type MetricsListener, type Readiness } from '../../src/observability/listener.js';
import { register } from '../../src/observability/metrics.js';
import { askAll, type Check } from '../../src/observability/readiness.js';

let listener: MetricsListener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

async function listen(readiness: () => Promise<Readiness>, registry = new Registry(), METRICS_HOST = '127.0.0.1') {
  listener = await startMetricsListener({ METRICS_HOST, METRICS_PORT: 0 }, registry, readiness);
  const { port } = listener.address;
  return async (path: string, init?: RequestInit) => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() };
  };
}
const well = async () => ({ postgres: { ok: true }, temporal: { ok: true } });

describe('the listener for metrics', () => {
  test('the listener serves the metrics in the format of Prometheus', async () => {
    const registry = new Registry();
    const counter = new Counter({ name: 'things_total', help: 'x', labelNames: ['kind'], registers: [registry] });
    const get = await listen(well, registry);
    counter.inc({ kind: 'small' }, 3);
    const { status, type, text } = await get('/metrics?name=x');
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(text).toContain('things_total{kind="small"} 3\n');
  });

  test('the listener reports liveness whatever the process needs', async () => {
    const get = await listen(() => Promise.reject(new Error('away')));
    expect(await get('/health')).toEqual({ status: 200, type: 'application/json', text: '{"status":"ok"}' });
  });

  test('the listener reports readiness when every part is ready', async () => {
    const { status, text } = await (await listen(well))('/ready');
    expect([status, JSON.parse(text)]).toEqual([200, { status: 'ready', dependencies: await well() }]);
  });

  test('the listener answers 503 and names the part that is not ready', async () => {
    const parts = { postgres: { ok: true }, redis: { ok: false, detail: 'ECONNREFUSED' } };
    const { status, text } = await (await listen(async () => parts))('/ready');
    expect([status, JSON.parse(text)]).toEqual([503, { status: 'not_ready', dependencies: parts }]);
  });

  test('the listener answers no other path, and no method but GET', async () => {
    const get = await listen(well);
    for (const path of ['/', '/metricsx', '/api/v1/jobs', '/constructor', '/__proto__']) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await get('/metrics', { method: 'POST' })).status).toBe(404);
  });

  test('the listener answers its own failure without details', async () => {
    const get = await listen(() => Promise.reject(new Error('password')));
    expect(await get('/ready')).toMatchObject({ status: 500, text: '' });
  });

  test('the listener binds to METRICS_HOST, and fails clearly when it cannot', async () => {
    await listen(well);
    expect(listener!.address.address).toBe('127.0.0.1');
    await expect(listen(well, new Registry(), '203.0.113.1')).rejects.toThrow(/EADDRNOTAVAIL/);
  });
});

describe('readiness', () => {
  const check: Record<string, Check> = {
    well: async () => 1,
    refused: () => Promise.reject(Object.assign(new Error('at db.internal:5432 as root'), { code: 'ECONNREFUSED' })),
    broken: () => Promise.reject(new Error('at db.internal:5432 as root')),
    silent: () => new Promise(() => {}),
  };

  test('readiness names each failed part without revealing anything', async () => {
    expect(await askAll(check)).toEqual({
      well: { ok: true },
      refused: { ok: false, detail: 'ECONNREFUSED' },
      broken: { ok: false, detail: 'not answering' },
      silent: { ok: false, detail: 'no answer within 900 ms' },
    });
  });
});

test('the page for operators names only existing metrics', () => {
  const page = readFileSync('docs/operate.md', 'utf8');
  const counted = register.getMetricsAsArray().map(({ name }) => name);
  // Tables of the database have such names too.
  const named = new Set(
    page.match(/\bbroker_\w+(?:_total|_seconds)\b|\bbroker_stream_\w+|\bprovider_auth_insecure\b/g),
  );
  expect(named.size).toBeGreaterThan(15);
  expect([...named].filter((name) => !counted.includes(name))).toEqual([]);
});
