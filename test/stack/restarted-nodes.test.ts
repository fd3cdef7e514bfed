import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { CoordinationV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { startStack, type Stack } from '../../engines/stack.js';
import { until } from '../support/until.js';

const dataDir = mkdtempSync(join(tmpdir(), 'stack-'));
let stack: Stack | undefined;
afterAll(async () => {
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

const name = 'restarted';

async function startAgain() {
  await stack?.stop();
  stack = await startStack({ dataDir, engines: ['kubernetes'] });
  const config = new KubeConfig();
  config.loadFromFile(stack.endpoints().kubeconfig!);
  const leases = config.makeApiClient(CoordinationV1Api);
  const holder = async () => {
    const { items } = await leases.listNamespacedLease({ namespace: 'kube-node-lease' });
    return items.find(({ metadata }) => metadata?.name === name)?.spec?.holderIdentity;
  };
  return { core: config.makeApiClient(CoreV1Api), holder };
}

test('what is placed on a simulated node right after its stack was started again runs', async () => {
  const first = await startAgain();
  await first.core.createNode({ body: { metadata: { name, labels: { type: 'kwok' } } } });
  const holder = await until(first.holder, { timeoutMs: 60_000, name: 'a simulated kubelet has the node' });

  const second = await startAgain();
  // The lease of a process that is gone would last for 40 s more.
  expect(await second.holder()).not.toBe(holder);
  await until(async () => (await second.holder()) !== undefined, { name: 'the next one has it' });
  const containers = [{ name: 'main', image: 'example.org/rented:1' }];
  await second.core.createNamespacedPod({
    ...{ namespace: 'default', body: { metadata: { name }, spec: { nodeName: name, containers } } },
  });
  const runs = async () =>
    (await second.core.readNamespacedPod({ namespace: 'default', name })).status?.phase === 'Running';
  await until(runs, { timeoutMs: 60_000, name: 'the pod runs' });
}, 240_000);
