import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { describe, expect, test } from '@jest/globals';
import { machineLimits, podsForJobs } from '../../src/domain/provider.js';
import { nodeAllocatable, observeMiner, observeNode } from '../../src/kubernetes/observe.js';

const nodeWith = (allocatable: unknown): V1Node => ({ status: { allocatable } }) as unknown as V1Node;
const gpusOf = (quantity: unknown) => nodeAllocatable(nodeWith({ 'nvidia.com/gpu': quantity })).gpus;

describe('what a node says it has', () => {
  test('a node’s capacity is counted in whole pieces, rounded down', () => {
    const allocatable = {
      ...{ 'nvidia.com/gpu': '8', cpu: '31900m', memory: '131072Mi', 'ephemeral-storage': '1.5Ti' },
      pods: '110',
    };
    expect(nodeAllocatable(nodeWith(allocatable))).toEqual({
      gpus: 8,
      cpuCores: 31,
      memoryMb: 131_072,
      storageGb: 1_536,
      pods: 110,
    });
  });

  test.each<[string, unknown, string | undefined, boolean]>([
    ['says so', [{ name: '', features: { userNamespaces: true } }], undefined, true],
    ['says so and leaves its name out', [{ features: { userNamespaces: true } }], undefined, true],
    [
      'says so of another handler',
      [{ name: '' }, { name: 'runc', features: { userNamespaces: true } }],
      undefined,
      false,
    ],
    [
      'says so of the handler of jobs',
      [{ name: '' }, { name: 'gpu', features: { userNamespaces: true } }],
      'gpu',
      true,
    ],
    ['says so of all handlers but that of jobs', [{ name: '', features: { userNamespaces: true } }], 'gpu', false],
    ['says no', [{ name: '', features: { userNamespaces: false } }], undefined, false],
    ['says nothing', undefined, undefined, false],
    ['says what is not a word for it', [{ name: '', features: { userNamespaces: 'true' } }], undefined, false],
  ])(
    'the use of user namespaces follows the node’s runtime, which %s',
    (_, runtimeHandlers, runtimeClass, expected) => {
      const node = { status: { runtimeHandlers, allocatable: {} } } as unknown as V1Node;
      expect(nodeAllocatable(node, runtimeClass).userNamespaces ?? false).toBe(expected);
    },
  );

  test.each([
    ['5.15.0-91-generic', false],
    ['6.2.16', false],
    ['6.3.0', true],
    ['6.18.5', true],
    ['10.1.0', true],
    ['', true],
    ['of our own', true],
  ])('a node on kernel %j can use user namespaces: %j', (kernelVersion, expected) => {
    const runtimeHandlers = [{ name: '', features: { userNamespaces: true } }];
    const node = { status: { runtimeHandlers, allocatable: {}, nodeInfo: { kernelVersion } } } as unknown as V1Node;
    expect(nodeAllocatable(node).userNamespaces ?? false).toBe(expected);
  });

  test.each([
    ['8', 8],
    ['1e3', 1_000],
    ['2500m', 2],
    ['1n', 0],
    ['-5', 0],
    ['-0', 0],
    ['1e30', machineLimits.gpus],
    ['9223372036854775807', machineLimits.gpus],
    ['1e400', machineLimits.gpus],
    ['9'.repeat(400), machineLimits.gpus],
    ['9'.repeat(4_000_000), 0],
    ['nonsense', 0],
    ['NaN', 0],
    ['Infinity', 0],
    ['0x10', 0],
    ['', 0],
    ['1 000', 0],
    ['8\0', 0],
    [undefined, 0],
    [null, 0],
    [{}, 0],
    [NaN, 0],
  ])('a GPU count of %j is read as %i', (quantity, counted) => {
    expect(gpusOf(quantity)).toBe(counted);
    expect(Object.is(gpusOf(quantity), -0)).toBe(false);
  });

  test.each([undefined, null, {}])('a node that reports no capacity has none (%j)', (allocatable) => {
    expect(nodeAllocatable(nodeWith(allocatable))).toEqual({
      gpus: 0,
      cpuCores: 0,
      memoryMb: 0,
      storageGb: 0,
      pods: 0,
    });
  });

  test('a node’s capacity can be stored and computed with, whatever it reports', () => {
    const alphabet = '0123456789+-.eEnumkMGTPEi \0NaN\u202e';
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let i = 0; i < 20_000; i++) {
      const text = () => Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join('');
      const figures = nodeAllocatable(
        nodeWith({ 'nvidia.com/gpu': text(), cpu: text(), memory: text(), 'ephemeral-storage': text(), pods: text() }),
      );
      const bounds = [
        machineLimits.gpus,
        machineLimits.cpuCores,
        machineLimits.memoryMb,
        machineLimits.diskGb,
        machineLimits.pods,
      ];
      const { gpus, cpuCores, memoryMb, storageGb, pods } = figures;
      [gpus, cpuCores, memoryMb, storageGb, pods].forEach((figure, at) => {
        if (!Number.isInteger(figure) || figure < 0 || figure > bounds[at]!) throw new Error(JSON.stringify(figures));
      });
    }
  });
});

test.each([
  [{ pods: 110 }, 100],
  [{ pods: 110, systemPods: 8 }, 100],
  [{ pods: 110, systemPods: 31 }, 79],
  [{ pods: 8 }, 7],
  [{ pods: 8, systemPods: 20 }, 0],
  [{ pods: 0 }, 0],
  [{}, 100],
  [{ cpuCores: 0 }, 0],
])('a node of %j has pods for %i jobs', (figures, jobs) => {
  expect(podsForJobs({ gpus: 0, cpuCores: 8, memoryMb: 0, storageGb: 0, ...figures })).toBe(jobs);
});

test('a node without any status is not ready and has nothing', () => {
  for (const node of [{}, { status: null }, { status: { conditions: null } }, { metadata: null }]) {
    expect(observeNode(node as unknown as V1Node)).toMatchObject({ state: 'not_ready', gpus: 0 });
  }
});

test('null values in a miner’s pod count as missing', () => {
  const pod = {
    metadata: { deletionTimestamp: null },
    status: {
      phase: 'Running',
      conditions: null,
      containerStatuses: [{ state: { terminated: null, waiting: null, running: {} } }],
    },
  };
  expect(observeMiner(pod as unknown as V1Pod)).toBe('waiting');
});

describe('GPUs under other names', () => {
  const counted = (allocatable: object, more: { capacity?: object; labels?: Record<string, string> } = {}) =>
    nodeAllocatable({ metadata: { labels: more.labels }, status: { allocatable, capacity: more.capacity } } as V1Node);

  test('GPUs are counted by resource name, including names with none left', () => {
    const named = {
      'nvidia.com/mig-1g.5gb': '7',
      'nvidia.com/gpu': '1',
      'nvidia.com/gpumem': '40960',
      'amd.com/gpu': '8',
    };
    expect(counted(named, { capacity: { 'nvidia.com/rtx-4090': '2' } })).toMatchObject({
      gpus: 8,
      gpuResources: { 'nvidia.com/mig-1g.5gb': 7, 'nvidia.com/gpu': 1, 'nvidia.com/rtx-4090': 0 },
    });
    expect(counted({ 'nvidia.com/gpu': '8' })).not.toHaveProperty('gpuResources');
  });

  test.each([
    ['a name of shares', { 'nvidia.com/gpu.shared': '10' }, {}],
    ['parts of parts', { 'nvidia.com/mig-1c.3g.20gb': '10' }, {}],
    ['replicas', { 'nvidia.com/gpu': '10' }, { 'nvidia.com/gpu.replicas': '10' }],
    ['time-slicing', { 'nvidia.com/gpu': '10' }, { 'nvidia.com/gpu.sharing-strategy': 'time-slicing' }],
    ['a product that is shared', { 'nvidia.com/gpu': '10' }, { 'nvidia.com/gpu.product': 'Tesla-T4-SHARED' }],
  ])('GPUs that several pods share are not counted: %s', (_, allocatable, labels) => {
    expect(counted(allocatable, { labels })).toMatchObject({ gpus: 0, gpuShares: inNumbers(allocatable) });
    const whole = { 'nvidia.com/gpu.replicas': '1', 'nvidia.com/gpu.sharing-strategy': 'none' };
    expect(counted({ 'nvidia.com/gpu': '2' }, { labels: whole })).toMatchObject({ gpus: 2 });
  });

  test('GPUs are limited to what a machine may have, in number and in names', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`nvidia.com/card-${at}`, '9e9']));
    const { gpus, gpuResources } = counted(many);
    expect(gpus).toBe(1_024);
    expect(Object.keys(gpuResources!)).toHaveLength(32);
  });
});

const inNumbers = (figures: object) => Object.fromEntries(Object.keys(figures).map((name) => [name, 10]));
