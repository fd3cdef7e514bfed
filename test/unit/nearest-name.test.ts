import { expect, test } from '@jest/globals';
import { nearestName } from '../../src/domain/nearest-name.js';

const search = [
  'status',
  'gpu',
  'gpu_type',
  'gpu_count',
  'min_ram',
  'min_cpu',
  'min_disk',
  'max_price',
  'sort',
  'limit',
];

test.each([
  ['state', 'status'],
  ['stauts', 'status'],
  ['Status', 'status'],
  ['statuses', 'status'],
  ['stat', 'status'],
  ['per_page', 'limit'],
  ['pageSize', 'limit'],
  ['limits', 'limit'],
  ['gpuType', 'gpu_type'],
  ['gpu-type', 'gpu_type'],
  ['model', 'gpu'],
  ['gpus', 'gpu_count'],
  ['memory', 'min_ram'],
  ['cpu_cores', 'min_cpu'],
  ['max_price_per_hour', 'max_price'],
  ['order_by', 'sort'],
])('%s is taken for %s', (given, meant) => {
  expect(nearestName(given, search)).toBe(meant);
});

test.each(['', '_', 'x', 'st', 'wallet', 'utm_source', '__proto__', 'constructor', 'a'.repeat(5_000), '\u202e'])(
  'nothing is near to %j',
  (given) => {
    expect(nearestName(given, search)).toBeUndefined();
  },
);

test('where there are no names none is near', () => {
  expect(nearestName('status', [])).toBeUndefined();
});
