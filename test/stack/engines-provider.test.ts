import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions, type V1Pod } from '@kubernetes/client-node';
import { silent } from '../../engines/log.js';
import { startSimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { findKubernetesTools } from '../../engines/tools/kubernetes.js';
import { run } from '../../engines/tools/run.js';
import { until } from '../support/until.js';

let dataDir: string;
let stack: Stack;
let redis: Redis;
let core: CoreV1Api;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'stack-'));
  stack = await startStack({ dataDir, isTemporary: true, engines: ['redis', 'kubernetes'] });
  redis = new Redis(stack.endpoints().operator_redis!);
  const config = new KubeConfig();
  config.loadFromFile(stack.endpoints().kubeconfig!);
  core = config.makeApiClient(CoreV1Api);
}, 900_000);

afterAll(async () => {
  redis.disconnect();
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

/** Plays the broker: gives the join line of kubeadm itself as soon as somebody listens for it. */
async function answer(providerId: string, change: (command: string) => string = (command) => command): Promise<void> {
  const { kubeadm } = await findKubernetesTools(silent);
  const kubeconfig = join(dataDir, 'kubernetes/super-admin.conf');
  const printed = await run(kubeadm.path, [
    'token',
    'create',
    '--print-join-command',
    '--ttl',
    '5m',
    '--kubeconfig',
    kubeconfig,
  ]);
  const stream = `provider:response:${providerId}`;
  while ((await redis.exists(stream)) === 0) await sleep(10);
  const join_command = `${change(printed.trim())} --node-name ${providerId}`;
  await redis.xadd(
    stream,
    '*',
    'data',
    JSON.stringify({ success: true, status: 'approved', join_command }),
    'timestamp',
    '',
  );
}

const strategicMerge = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);

function pod(image: string): V1Pod {
  return {
    metadata: { name: image },
    spec: {
      restartPolicy: 'Never',
      initContainers: [{ name: 'init', image: 'init' }],
      containers: [{ name: 'main', image: `example.org/${image}:1`, resources: { limits: { 'nvidia.com/gpu': '1' } } }],
    },
  };
}

async function podWhen(name: string, fits: (pod: V1Pod) => boolean): Promise<V1Pod> {
  for (const deadline = Date.now() + 60_000; ; await sleep(50)) {
    const found = await core.readNamespacedPod({ namespace: 'default', name });
    if (fits(found)) return found;
    if (Date.now() > deadline) throw new Error(`${name}: ${JSON.stringify(found.status)}`);
  }
}
const isReady = ({ status }: V1Pod) =>
  status?.conditions?.some(({ type, status: now }) => type === 'Ready' && now === 'True') ?? false;

test('a simulated provider joins by its join command alone, and its node has what it registered', async () => {
  const provider = startSimulatedProvider({
    redisUrl: stack.endpoints().redis!,
    providerId: 'sim-one',
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 4 },
    cpuCores: 24,
    memoryMb: 65_536,
    diskGb: 200,
    heartbeatIntervalMs: 100,
  });
  await answer('sim-one');
  const { nodeName } = await provider.joined;
  expect(nodeName).toBe('sim-one');
  const node = await core.readNode({ name: nodeName });
  expect(node.status?.allocatable).toMatchObject({
    'nvidia.com/gpu': '4',
    cpu: '24',
    memory: '64Gi',
    'ephemeral-storage': '200Gi',
  });
  const beat = await until(async () => (await redis.xrange('provider:heartbeat', '-', '+', 'COUNT', 1))[0], {
    name: 'it sends a heartbeat',
  });
  expect(JSON.parse(beat[1][1]!)).toMatchObject({ provider_id: 'sim-one', node_name: 'sim-one', status: 'available' });
  await provider.stop();
}, 60_000);

test('a simulated provider does not join a cluster whose CA is another than the join command names', async () => {
  const provider = startSimulatedProvider({ redisUrl: stack.endpoints().redis!, providerId: 'sim-two' });
  await answer('sim-two', (command) => command.replace(/sha256:\w+/, `sha256:${'0'.repeat(64)}`));
  await expect(provider.joined).rejects.toThrow(/CA of the cluster/);
  await provider.stop();
}, 60_000);

test('the name of a pod decides what happens to it on a simulated node', async () => {
  const names = ['plain', 'does-not-exist', 'exits-at-once', 'slow-start'];
  // A namespace's service account exists a moment after the namespace.
  await Promise.all(names.map((name) => core.createNamespacedPod({ namespace: 'default', body: pod(name) })));
  const began = Date.now();
  const plain = await podWhen('plain', isReady);
  expect(plain.status?.initContainerStatuses?.[0]?.state?.terminated?.exitCode).toBe(0);
  const missing = await podWhen(
    'does-not-exist',
    ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff',
  );
  expect(missing.status?.phase).toBe('Pending');
  expect(isReady(missing)).toBe(false);
  const failed = await podWhen('exits-at-once', ({ status }) => status?.phase === 'Failed');
  expect(failed.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(1);
  await podWhen('slow-start', isReady);
  expect(Date.now() - began).toBeGreaterThan(3_000);

  // As the control plane does to the pods of a node that it takes for gone.
  const notReady = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
  const plainPod = { namespace: 'default', name: 'plain' };
  expect(isReady(await core.patchNamespacedPodStatus({ ...plainPod, body: notReady }, strategicMerge))).toBe(false);
  await podWhen('plain', isReady);

  await Promise.all(names.map((name) => core.deleteNamespacedPod({ namespace: 'default', name })));
  const left = async () => (await core.listNamespacedPod({ namespace: 'default' })).items;
  await until(async () => (await left()).length === 0, { name: 'all pods are gone' });
}, 240_000);
