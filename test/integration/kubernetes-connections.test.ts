import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectKubernetes, type Kubernetes } from '../../src/kubernetes/client.js';
import { endpoint } from '../support/engines.js';
import { runFolder } from '../support/run-folder.js';

/** Stands between the client and the API server, and sees every connection. */
let between: Server;
const connections: Socket[] = [];
let kubernetes: Kubernetes;

beforeAll(async () => {
  const kubeconfig = readFileSync(endpoint('kubeconfig'), 'utf8');
  const [, host, port] = /server: '?"?https:\/\/([\d.]+):(\d+)/.exec(kubeconfig)!;
  between = createServer((socket) => {
    connections.push(socket);
    const onward = connect(Number(port), host);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) {
      end.on('error', () => undefined);
      end.on('close', () => {
        socket.destroy();
        onward.destroy();
      });
    }
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  const through = join(runFolder(), 'kubeconfig-of-connections');
  const { port: own } = between.address() as AddressInfo;
  writeFileSync(through, kubeconfig.replace(`https://${host}:${port}`, `https://127.0.0.1:${own}`), { mode: 0o600 });
  kubernetes = connectKubernetes({ KUBECONFIG: through });
});
afterAll(() => {
  for (const socket of connections) socket.destroy();
  between.close();
});

const call = () => kubernetes.core.readNamespace({ name: 'default' });

test('sequential calls to the API server share one connection', async () => {
  for (let n = 0; n < 5; n++) await call();
  expect(connections).toHaveLength(1);
});

test('a connection that the API server has closed is replaced by a new one', async () => {
  const before = connections.length;
  for (const socket of connections) socket.destroy();
  // Until the other end has heard of it.
  await sleep(200);
  await call();
  await call();
  expect(connections).toHaveLength(before + 1);
});
