import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { gpuEquivalentsOf, jobRate, rateOf } from '../../src/domain/pricing.js';

test('each rate in the table of the page about money is what such a job costs, and the GPUs are what it is charged as', () => {
  const rows = [
    ...readFileSync('docs/money.md', 'utf8').matchAll(
      /^\|((?: [\d.]+ \|){4})[^|]+\|[^|]+\| ([\d.]+) \| ([\d.]+) \|$/gm,
    ),
  ];
  expect(rows.length).toBeGreaterThan(3);
  for (const [row, sizes = '', equivalents, price = ''] of rows) {
    const [gpus, cores, memory, disk] = sizes
      .split('|')
      .slice(0, 4)
      .map((text) => Number(text.trim())) as [number, number, number, number];
    const order = { gpuCount: gpus, cpuCores: cores, memoryMb: memory * 1_024, storageGb: disk };
    const prices = {
      ...{ gpuPrice: gpus === 0 ? '0' : '1', cpuPrice: '0', memoryPricePerGb: '0', storagePricePerGb: '0.0005' },
      cheapestGpuPrice: '1',
      offered: { gpus: 8, cpuCores: 64, memoryMb: 262_144, storageGb: 2_000 },
    };
    const rate = jobRate(order, prices);
    const list = jobRate(order, { ...prices, cheapestGpuPrice: '0' });
    expect([row, rate > list ? gpuEquivalentsOf(order, prices.offered) : String(gpus)]).toEqual([row, equivalents]);
    expect([row, rate]).toEqual([row, rateOf(price)]);
  }
});
