import { describe, expect, test } from '@jest/globals';
import { capacityUpdateSchema, offerAfterUpdate, offerOf, registrationSchema } from '../../src/domain/registration.js';

const gpus = (...names: string[]) => names.map((name, index) => ({ index, name }));
const read = (spec: object, capacity: object) => registrationSchema.parse({ provider_id: 'atlas', spec, capacity });
const offer = (spec: object, capacity: object = {}) => offerOf(read(spec, capacity));
const offeredGpus = (spec: object, capacity: object = {}) =>
  offer(spec, capacity).gpus.map(({ type, count, pricePerHour }) => [type, count, pricePerHour]);

/** All of the machine. */
const machine = {
  cpu_cores: 64,
  total_memory_mb: 262_144,
  total_disk_gb: 2_000,
  available_disk_gb: 1_500,
  gpus: gpus(...(Array(8).fill('NVIDIA L4') as string[])),
  total_gpus: 8,
};

describe('an offer', () => {
  test('an offer is what the owner shares, not all that the machine has', () => {
    expect(
      offer(machine, { gpu_count: 2, cpu_cores: 16, memory_mb: 65_536, total_disk_gb: 100, gpu_price_per_hour: 0.3 }),
    ).toMatchObject({
      gpus: [{ type: 'l4', model: 'NVIDIA L4', count: 2, pricePerHour: 0.3 }],
      ...{ cpuCores: 16, memoryMb: 65_536, storageGb: 100 },
    });
  });

  test('an offer is the total that newer agents send if they send nothing else', () => {
    const counted = { total_cpu_cores: 32, total_memory_mb: 131_072, total_gpus: { 'NVIDIA L4': 3 } };
    expect(offer(machine, counted)).toMatchObject({ cpuCores: 32, memoryMb: 131_072, gpus: [{ count: 3 }] });
    expect(offer(machine, { ...counted, cpu_cores: 4, memory_mb: 1_024 })).toMatchObject({
      cpuCores: 4,
      memoryMb: 1_024,
    });
  });

  test('an offer is the whole machine if the owner names no share, with the free part of its disk', () => {
    expect(offer(machine)).toMatchObject({ gpus: [{ count: 8 }], cpuCores: 64, memoryMb: 262_144, storageGb: 1_500 });
    expect(offer({ ...machine, available_disk_gb: 0 }).storageGb).toBe(2_000);
  });

  test('an offer has the owner’s prices, and 0 where there are none', () => {
    const prices = { cpu_price_per_hour: 0.013, memory_price_per_gb_hr: '0.0021' };
    expect(offer(machine, prices)).toMatchObject({ cpuPricePerHour: 0.013, memoryPricePerGbHour: 0.0021 });
    expect(offer(machine)).toMatchObject({ cpuPricePerHour: 0, memoryPricePerGbHour: 0, gpus: [{ pricePerHour: 0 }] });
  });
});

describe('GPUs of an offer', () => {
  test('GPUs in two spellings are one type at the higher price', () => {
    const counted = { 'RTX 4090': 3, 'NVIDIA GeForce RTX 4090': 2 };
    for (const [one, other] of [
      [0.4, 0.5],
      [0.5, 0.4],
    ]) {
      const prices = { 'RTX 4090': one, 'NVIDIA GeForce RTX 4090': other };
      const capacity = { total_gpus: counted, gpu_prices_per_hour: prices };
      expect(offeredGpus({}, capacity)).toEqual([['rtx-4090', 5, 0.5]]);
      // Neither is the name by which they are counted.
      expect(offeredGpus({}, { ...capacity, total_gpus: { 'GeForce RTX 4090': 5 } })).toEqual([['rtx-4090', 5, 0.5]]);
    }
  });

  test('GPUs of one type are promised with the least memory and the oldest CUDA among them', () => {
    const card = (memory_mb: number, cuda_version: string) => ({ name: 'Rush 9', memory_mb, cuda_version });
    const [both] = offer({ gpus: [card(24_564, '12.8'), card(24_564, '12.4')] }).gpus;
    expect(both).toMatchObject({ count: 2, vramGb: 24, cuda: 12_004 });
    const [unsaid] = offer({ gpus: [card(24_564, '12.8'), card(24_564, '')] }).gpus;
    expect(unsaid).not.toHaveProperty('cuda');
  });

  test('a price by name, in any spelling, takes precedence over the single price of older agents', () => {
    const spec = { gpus: gpus('NVIDIA L4', 'Tesla T4', 'NVIDIA A10') };
    const prices = { gpu_prices_per_hour: { L4: 0.7, 'Tesla T4': 0.2 }, gpu_price_per_hour: 0.3 };
    expect(offeredGpus(spec, prices)).toEqual([
      ['a10', 1, 0.3],
      ['l4', 1, 0.7],
      ['tesla-t4', 1, 0.2],
    ]);
  });

  test('if older agents share some GPUs, the offer has the machine’s first ones', () => {
    const spec = { gpus: gpus('NVIDIA L4', 'NVIDIA L4', 'Tesla T4'), total_gpus: 3 };
    expect(offeredGpus(spec, { gpu_count: 2 })).toEqual([['l4', 2, 0]]);
    expect(offeredGpus(spec, { gpu_count: 3 })).toEqual([
      ['l4', 2, 0],
      ['tesla-t4', 1, 0],
    ]);
  });

  test('newer agents’ GPU counts are used even if the machine lists fewer or more', () => {
    const spec = { gpus: gpus('NVIDIA L4', 'NVIDIA L4') };
    expect(offeredGpus(spec, { total_gpus: { 'NVIDIA L4': 5 } })).toEqual([['l4', 5, 0]]);
    expect(offeredGpus(spec, { total_gpus: { 'NVIDIA L4': 1, 'Tesla T4': 0 } })).toEqual([['l4', 1, 0]]);
  });

  test('GPUs are counted although the machine lists none', () => {
    expect(offeredGpus({ total_gpus: 4 })).toEqual([['gpu', 4, 0]]);
    expect(offeredGpus({ total_gpus: 4 }, { gpu_count: 1, gpu_price_per_hour: 0.1 })).toEqual([['gpu', 1, 0.1]]);
    expect(offeredGpus({})).toEqual([]);
  });

  test('an update that counts no GPUs offers none, and one with a total offers the machine’s', () => {
    const { spec } = read(machine, {});
    const after = (capacity: object) =>
      offerAfterUpdate(spec, capacityUpdateSchema.parse({ provider_id: 'atlas', capacity }).capacity);
    expect(after({ gpu_count: 0, cpu_cores: 16 })).toMatchObject({ gpus: [], cpuCores: 16, memoryMb: 262_144 });
    expect(after({ gpu_count: 3, gpu_price_per_hour: 0.6 }).gpus).toMatchObject([
      { type: 'l4', count: 3, pricePerHour: 0.6 },
    ]);
    expect(after({ total_gpus: { 'NVIDIA L4': 1 } }).gpus).toMatchObject([{ count: 1 }]);
  });
});
