import { describe, expect, test } from '@jest/globals';
import { soldGpus } from '../../src/domain/gpu-resources.js';
import { missingGpus, resourceTargets, type HeldGpus } from '../../src/domain/placement.js';
import type { GpuOffer, NodeAllocatable } from '../../src/domain/provider.js';

const offer = (type: string, count: number, pricePerHour: number, more: Partial<GpuOffer> = {}): GpuOffer => ({
  ...{ type, model: type.toUpperCase(), count, pricePerHour },
  ...more,
});
const node = (gpuResources: Record<string, number>, more: Partial<NodeAllocatable> = {}): NodeAllocatable => ({
  gpus: Object.values(gpuResources).reduce((sum, count) => sum + count, 0),
  ...{ gpuResources, cpuCores: 64, memoryMb: 262_144, storageGb: 1_000 },
  ...more,
});
const [plain, ada, ampere] = ['nvidia.com/gpu', 'nvidia.com/rtx-4090', 'nvidia.com/rtx-3090'];
const mixed = [offer('rtx-4090', 1, 0.4, { cuda: 12_004 }), offer('rtx-3090', 2, 0.2, { cuda: 12_002 })];
const machine = { machineGpus: 3, prices: new Map<string, number>() };
/** What is sold: type, resource, count and what is counted. */
const soldOf = (offers: GpuOffer[], counts: Record<string, number>, facts: Partial<typeof machine> = {}) =>
  soldGpus(offers, node(counts), { ...machine, ...facts }).sold.map(({ offer: { type, count }, resource, counted }) => [
    type,
    resource,
    count,
    counted,
  ]);

describe('types', () => {
  test('GPUs of one resource are sold as one type, the cheapest, with the least of their figures', () => {
    const { sold, why } = soldGpus(mixed, node({ [plain]: 3 }), machine);
    expect(sold).toEqual([
      { offer: offer('rtx-3090', 3, 0.2, { vramGb: 24, cuda: 12_002 }), resource: plain, counted: 3 },
    ]);
    expect(why).toContain('RTX-4090 and RTX-3090 are rented out as RTX-3090');
  });

  test('GPUs with resources of their own are sold as separate types', () => {
    expect(soldOf(mixed, { [ada]: 1, [ampere]: 2 })).toEqual([
      ['rtx-4090', ada, 1, 1],
      ['rtx-3090', ampere, 2, 2],
    ]);
    expect(soldOf(mixed, { [ada]: 1, [plain]: 2 })).toEqual([
      ['rtx-4090', ada, 1, 1],
      ['rtx-3090', plain, 2, 2],
    ]);
    expect(soldGpus(mixed, node({ [ada]: 1, [ampere]: 2 }), machine).why).toBe('');
  });

  test('GPUs that have lost their last device keep their type, unless their resource is no longer named', () => {
    expect(soldOf(mixed, { [ada]: 0, [ampere]: 2 })).toEqual([
      ['rtx-4090', ada, 1, 0],
      ['rtx-3090', ampere, 2, 2],
    ]);
    expect(soldOf(mixed, { [ada]: 0, [plain]: 2 })).toEqual([
      ['rtx-4090', ada, 1, 0],
      ['rtx-3090', plain, 2, 2],
    ]);
    // A node keeps every name that it ever had.
    expect(soldOf(mixed, { [ada]: 0, [ampere]: 0, [plain]: 3 })).toEqual([['rtx-3090', plain, 3, 3]]);
  });

  test('GPUs at the site’s price are the cheapest if their owner set none', () => {
    const unpriced = [offer('rtx-4090', 1, 0), offer('rtx-3090', 2, 0.2)];
    const prices = new Map([
      ['rtx-4090', 0.1],
      ['rtx-3090', 0.2],
    ]);
    expect(soldOf(unpriced, { [plain]: 3 }, { prices })).toEqual([['rtx-4090', plain, 3, 3]]);
  });

  test('of two memories are one with the lesser, whichever is cheaper', () => {
    const [small, large] = [offer('a100-40gb', 1, 1), offer('a100-80gb', 1, 0.8)];
    const [cheaper] = soldGpus([small, large], node({ [plain]: 2 }), machine).sold;
    expect(cheaper!.offer).toMatchObject({ type: 'a100', model: 'A100', vramGb: 40, pricePerHour: 0.8, count: 2 });
    expect(soldOf([small, { ...large, pricePerHour: 1.5 }], { [plain]: 2 })).toEqual([['a100-40gb', plain, 2, 2]]);
    expect(soldOf([small, large], { 'nvidia.com/a100-80gb': 1, 'nvidia.com/a100': 1 })).toEqual([
      ['a100-40gb', 'nvidia.com/a100', 1, 1],
      ['a100-80gb', 'nvidia.com/a100-80gb', 1, 1],
    ]);
    expect(soldOf([small, large], { 'nvidia.com/a100': 2 })).toEqual([['a100', 'nvidia.com/a100', 2, 2]]);
  });

  test('that the cluster does not count are not sold, and it says what it does count', () => {
    const { sold, why } = soldGpus(mixed, node({ [ada]: 1, 'nvidia.com/bigcard': 2 }), machine);
    expect(sold.map(({ offer: { type }, counted }) => [type, counted])).toEqual([
      ['rtx-4090', 1],
      ['rtx-3090', 0],
    ]);
    expect(why).toBe('the cluster counts no RTX-3090: what it counts is nvidia.com/rtx-4090 and nvidia.com/bigcard');
  });

  test('of a node that counts none, as one that is away, stay what they are', () => {
    expect(soldGpus(mixed, node({ [plain]: 0 }), machine)).toEqual({
      sold: [
        { offer: { ...mixed[0]!, vramGb: 24 }, counted: 0 },
        { offer: { ...mixed[1]!, vramGb: 24 }, counted: 0 },
      ],
      why: '',
    });
  });
});

describe('parts of a card', () => {
  const [small, big] = ['a100-sxm4-40gb-mig-1g-5gb', 'a100-sxm4-40gb-mig-3g-20gb'];

  test('are what the device plugin calls them', () => {
    const offers = [offer(small, 4, 0.1), offer(big, 1, 0.5), offer('a100-sxm4-40gb', 1, 1)];
    expect(
      soldOf(offers, { 'nvidia.com/mig-1g.5gb': 4, 'nvidia.com/mig-3g.20gb': 1, [plain]: 1 }, { machineGpus: 6 }),
    ).toEqual([
      [small, 'nvidia.com/mig-1g.5gb', 4, 4],
      [big, 'nvidia.com/mig-3g.20gb', 1, 1],
      ['a100-sxm4-40gb', plain, 1, 1],
    ]);
  });

  test('are whole GPUs to a plugin that calls all of them so, and sold as parts', () => {
    expect(soldOf([offer(small, 7, 0.1)], { [plain]: 7 }, { machineGpus: 7 })).toEqual([[small, plain, 7, 7]]);
    // Of a plugin that looks at no parts a customer may get either.
    const both = [offer(small, 7, 0.5), offer('a100-sxm4-40gb', 1, 0.1)];
    expect(soldOf(both, { [plain]: 2 }, { machineGpus: 8 })).toEqual([[small, plain, 8, 2]]);
  });

  test('are never sold as the card that an older agent registered', () => {
    const card = [offer('a100-sxm4-40gb', 1, 1)];
    const single = soldGpus(card, node({ [plain]: 7 }), { ...machine, machineGpus: 1 });
    expect(single.sold[0]!.counted).toBe(0);
    expect(single.why).toBe('the cluster counts 7 of nvidia.com/gpu on a machine with 1 GPU: these are parts of GPUs');
    const named = soldGpus(card, node({ 'nvidia.com/mig-1g.5gb': 7, [plain]: 0 }), { ...machine, machineGpus: 1 });
    expect(named.sold[0]!.counted).toBe(0);
    expect(named.why).toContain('what it counts is nvidia.com/mig-1g.5gb');
  });

  test('that are divided again are no part of that size', () => {
    expect(soldOf([offer('a100-mig-1c-3g-20gb', 3, 0.1)], { 'nvidia.com/mig-3g.20gb': 1 })).toEqual([
      ['a100-mig-1c-3g-20gb', undefined, 3, 0],
    ]);
  });
});

describe('what may be sold', () => {
  const gpusOf = (offers: GpuOffer[], counts: Record<string, number>, held: HeldGpus[]) =>
    resourceTargets(
      { gpus: offers, cpuCores: 8, memoryMb: 1, storageGb: 1, cpuPricePerHour: 0, memoryPricePerGbHour: 0 },
      node(counts),
      {
        ...machine,
        held,
      },
    )
      .targets.filter(({ kind }) => kind === 'gpu')
      .map(({ name, amount }) => [name, amount]);
  const held = (type: string, resource: string, amount: number): HeldGpus => ({ type, resource, amount });

  test('is less by what is rented under a type that is not sold any more', () => {
    expect(gpusOf(mixed, { [plain]: 3 }, [held('rtx-4090', plain, 1)])).toEqual([['rtx-3090', 2]]);
    expect(gpusOf(mixed, { [plain]: 3 }, [held('rtx-3090', plain, 2)])).toEqual([['rtx-3090', 3]]);
  });

  test('is less by what was rented before types were told apart: it may be a GPU of either', () => {
    expect(gpusOf(mixed, { [ada]: 1, [ampere]: 2 }, [held('rtx-3090', plain, 1)])).toEqual([
      ['rtx-4090', 0],
      ['rtx-3090', 2],
    ]);
  });

  test('is not less by what is rented of another resource', () => {
    const offers = [mixed[1]!];
    expect(gpusOf(offers, { [ada]: 1, [ampere]: 2 }, [held('rtx-4090', ada, 1)])).toEqual([['rtx-3090', 2]]);
    expect(gpusOf(mixed, { [ada]: 1, [ampere]: 2 }, [held('rtx-4090', ada, 1)])).toEqual([
      ['rtx-4090', 1],
      ['rtx-3090', 2],
    ]);
  });
});

test('GPUs are missing resource by resource', () => {
  const held = [
    { resource: ada, amount: 1 },
    { resource: ampere, amount: 2 },
  ];
  expect(missingGpus(held, node({ [ada]: 1, [ampere]: 2 }))).toEqual({ missing: [], isAll: false });
  expect(missingGpus(held, node({ [ada]: 0, [ampere]: 2 }))).toEqual({ missing: [ada], isAll: false });
  expect(missingGpus(held, node({ [ampere]: 1 }))).toEqual({ missing: [ampere, ada], isAll: true });
  expect(missingGpus([{ resource: plain, amount: 1 }], { ...node({}), gpus: 1, gpuShares: {} }).missing).toEqual([
    plain,
  ]);
  const shared = { ...node({ [plain]: 0 }), gpuShares: { [plain]: 10 } };
  expect(missingGpus([{ resource: plain, amount: 1 }], shared).missing).toEqual([]);
});

describe('cores, memory and storage', () => {
  const sold = (offered: number, allocatable: NodeAllocatable | undefined) =>
    resourceTargets(
      {
        ...{ gpus: [], cpuCores: offered, memoryMb: offered, storageGb: offered },
        ...{ cpuPricePerHour: 0, memoryPricePerGbHour: 0 },
      },
      allocatable,
      { ...machine, held: [] },
    )
      .targets.filter(({ kind }) => kind === 'cpu' || kind === 'memory' || kind === 'storage')
      .map(({ amount }) => amount);
  const counted = node({}, { cpuCores: 16, memoryMb: 32, storageGb: 64 });

  test('a provider sells no more cores, memory and storage than it offers', () => {
    expect(sold(8, counted)).toEqual([8, 8, 8]);
  });

  test('a provider sells no more cores, memory and storage than its node counts', () => {
    expect(sold(1_000, counted)).toEqual([16, 32, 64]);
  });

  test('a provider sells no cores, memory and storage before its node is seen', () => {
    expect(sold(8, undefined)).toEqual([0, 0, 0]);
  });
});
