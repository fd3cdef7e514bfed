import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { brokerEntryPoint } from '../../engines/broker.js';
import { createPool, type PostgresConfig } from '../../src/db/pool.js';
import { engineVariables } from '../support/config.js';
import { dropDatabase, emptyDatabase } from '../support/database.js';

let config: PostgresConfig;
beforeAll(async () => {
  config = await emptyDatabase();
});
afterAll(() => dropDatabase(config.POSTGRES_DB));

/** A Temporal with an authorizer that gives the broker no rights: it says what it is, and refuses all else. */
async function temporalThatRefuses() {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session.on('error', () => undefined)));
  server.on('stream', (stream, { ':path': path }) => {
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    if (path?.endsWith('/GetSystemInfo') !== true) {
      stream.respond({ ...head, 'grpc-status': '7', 'grpc-message': 'Request unauthorized.' }, { endStream: true });
      return;
    }
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    // A message with nothing in it.
    stream.end(Buffer.alloc(5));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

test('a worker that may not use the namespace of the upkeep ends before it has migrated the database', async () => {
  const temporal = await temporalThatRefuses();
  const broker = spawn(process.execPath, [brokerEntryPoint(process.env)], {
    env: {
      ...{ ...process.env, ...engineVariables(), POSTGRES_DB: config.POSTGRES_DB },
      ...{ BROKER_ROLES: 'worker', TEMPORAL_ADDRESS: temporal.address },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [broker.stdout, broker.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const late = setTimeout(() => broker.kill('SIGKILL'), 90_000);
  const [code] = (await once(broker, 'close')) as [number | null];
  clearTimeout(late);
  temporal.close();
  expect({ code, said }).toEqual({ code: 78, said: expect.stringMatching(/^TEMPORAL_UPKEEP_NAMESPACE: /m) });
  const pool = createPool(config);
  const { rows } = await pool.query(`select table_name from information_schema.tables where table_schema = 'public'`);
  await pool.end();
  expect(rows).toEqual([]);
});
