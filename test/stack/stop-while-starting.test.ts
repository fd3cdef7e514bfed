import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { brokerEntryPoint } from '../../engines/broker.js';
import { engineVariables } from '../support/config.js';
import { freePort } from '../support/free-port.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { until } from '../support/until.js';

/** Well before the grace is over, after which it would end in any case; a busy machine takes seconds to load it. */
const promptlyMs = 15_000;

const folder = mkdtempSync(join(tmpdir(), 'broker-stop-'));
let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A port at which a system is away: it takes connections and says nothing, or it takes none. */
async function awayAt(how: 'says nothing' | 'refuses') {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  if (how === 'refuses') close();
  return { port, wasAsked: () => sockets.size > 0, close };
}

function kubeconfigTo(port: number): string {
  const file = join(folder, `${port}.kubeconfig`);
  const cluster = { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'away', cluster }],
    users: [{ name: 'broker', user: { token: 'none' } }],
    contexts: [{ name: 'away', context: { cluster: 'away', user: 'broker' } }],
    'current-context': 'away',
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

interface Away {
  roles: string;
  env(port: number): Record<string, string>;
  /** What the process says once it has noticed. */
  says: RegExp;
}

const systems: Record<string, Away> = {
  Postgres: { roles: 'api', env: (port) => ({ POSTGRES_PORT: String(port) }), says: /Postgres is not available yet/ },
  Temporal: {
    roles: 'worker',
    env: (port) => ({ TEMPORAL_ADDRESS: `127.0.0.1:${port}` }),
    says: /Temporal is not available yet/,
  },
  Kubernetes: {
    roles: 'worker',
    env: (port) => ({ KUBECONFIG: kubeconfigTo(port) }),
    says: /Kubernetes is not available yet/,
  },
  Redis: { roles: 'relay,api', env: (port) => ({ REDIS_PORT: String(port) }), says: /Redis does not answer/ },
};

/** A broker as its operator starts it, on the engines of the tests but for what `env` says. */
function startProcess(env: Record<string, string>) {
  const { POSTGRES_DB } = database.config;
  const child = spawn(process.execPath, [brokerEntryPoint(process.env)], {
    env: { ...process.env, ...engineVariables(), POSTGRES_DB, PROXY_PORT: '0', SHUTDOWN_GRACE_S: '60', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return {
    said: () => said,
    /** How it ends after SIGTERM, and how long it takes; one that does not end is killed. */
    async terminate() {
      const toldAt = Date.now();
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 2 * promptlyMs);
      const [code, signal] = await exited;
      clearTimeout(late);
      return { code, signal, afterMs: Date.now() - toldAt };
    },
  };
}

describe.each(Object.entries(systems))('a process that waits for %s at its start', (_name, { roles, env, says }) => {
  test('lives, so that nothing restarts it, and is not ready, so that nothing counts on it', async () => {
    const away = await awayAt('refuses');
    const port = await freePort();
    const started = startProcess({ BROKER_ROLES: roles, METRICS_PORT: String(port), ...env(away.port) });
    await until(() => says.test(started.said()), { timeoutMs: 90_000, name: 'the process has asked' });
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    const answers = { health: await status('/health'), ready: await status('/ready') };
    await started.terminate();
    expect(answers).toEqual({ health: 200, ready: 503 });
  });
});

describe.each(['refuses', 'says nothing'] as const)('a process that starts while a system %s', (how) => {
  test.each(Object.entries(systems))(
    'SIGTERM ends a process that waits for %s at its start, within two seconds',
    async (_name, { roles, env, says }) => {
      const away = await awayAt(how);
      const started = startProcess({ BROKER_ROLES: roles, ...env(away.port) });
      const noticed = () => (how === 'refuses' ? says.test(started.said()) : away.wasAsked());
      await until(noticed, { timeoutMs: 90_000, name: 'the process has asked' }).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${started.said()}`);
      });
      // Into the wait, not into the call before it.
      await sleep(500);
      const end = await started.terminate();
      away.close();
      expect({ ...end, afterMs: 0 }).toEqual({ code: 0, signal: null, afterMs: 0 });
      expect(end.afterMs).toBeLessThan(promptlyMs);
      expect(started.said()).toContain('stopping');
    },
  );
});

test('SIGTERM ends a process while it is still loading', async () => {
  for (const afterMs of [150, 300, 600, 900]) {
    const started = startProcess({ BROKER_ROLES: 'worker' });
    await sleep(afterMs);
    const end = await started.terminate();
    // Before its first line of code runs, the signal itself ends it.
    expect(end.code === 0 || end.signal === 'SIGTERM').toBe(true);
    expect(end.afterMs).toBeLessThan(promptlyMs);
  }
});
