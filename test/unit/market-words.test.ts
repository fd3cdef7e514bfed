import { describe, expect, test } from '@jest/globals';
import { aliasesOf } from '../../src/domain/gpu-aliases.js';
import { registrationSchema } from '../../src/domain/registration.js';
import { gpuNameOf, whyNobody, whyNobodyText, wordsOf, type WhatKeeps } from '../../src/domain/why-not.js';
import { testOrder } from '../support/fleet.js';

const machine = (given: Partial<WhatKeeps> & Pick<WhatKeeps, 'failed'>): WhatKeeps => ({
  ...{ models: ['RTX 4090'], gpus: 8, cpuCores: 64, memoryMb: 65_536, storageGb: 100, rate: 5n * 10n ** 17n },
  ...given,
});

test.each([
  ['rtx-4090', 'RTX 4090'],
  ['a100-sxm4-80gb', 'A100 SXM4 80GB'],
  ['tesla-t4', 'T4'],
  ['warp-9', 'warp-9'],
])('the type %s is written as %s', (type, name) => {
  expect(gpuNameOf(type)).toBe(name);
});

test('a short word is an alias only of the one type here that it means', () => {
  const aliases = (...types: string[]) => Object.fromEntries(aliasesOf(types));
  expect(aliases('rtx-4090', 'tesla-t4')).toEqual({ 'rtx-4090': ['4090', 'rtx4090'], 'tesla-t4': ['t4'] });
  expect(aliases('a100-sxm4-80gb')).toEqual({ 'a100-sxm4-80gb': ['a100'] });
  expect(aliases('a100-sxm4-80gb', 'a100-pcie-40gb', 'warp-9')).toEqual({
    ...{ 'a100-sxm4-80gb': [], 'a100-pcie-40gb': [], 'warp-9': [] },
  });
});

test('an order is told in the words and units of its customer', () => {
  const order = testOrder({ gpuType: 'rtx-4090', gpuCount: 2, cpuCores: 4, memoryMb: 16_384, storageGb: 20 });
  expect(wordsOf(order)).toBe('2 × RTX 4090, 4 cores, 16 GB of memory, 20 GB of disk');
  expect(wordsOf({ ...order, gpuCount: 0, memoryMb: 512 })).toBe('4 cores, 0.5 GB of memory, 20 GB of disk');
});

describe('why nobody takes an order', () => {
  const order = testOrder({ gpuType: 'rtx-4090', gpuCount: 9, cpuCores: 100, minVramGb: 48, maxPricePerHour: 0.1 });

  test('each single reason is told, and no machine with several beside them', () => {
    const groups = [machine({ failed: ['gpus'] }), machine({ failed: ['cpu'] }), machine({ failed: ['gpus', 'pays'] })];
    const { reasons, isEach } = whyNobody(order, groups);
    expect([isEach, reasons.map(({ limit, asked, nearest }) => [limit, asked, nearest])]).toEqual([
      true,
      [
        ['gpu_count', 9, 8],
        ['cpu_cores', 100, 64],
      ],
    ]);
  });

  test('of machines with several reasons, the one with the fewest is told', () => {
    const groups = [machine({ failed: ['gpus', 'pays'], gpus: 4 }), machine({ failed: ['gpus', 'pays'], gpus: 2 })];
    const { reasons, isEach } = whyNobody(order, groups);
    expect([isEach, reasons.map(({ limit, nearest }) => [limit, nearest])]).toEqual([
      false,
      [
        ['gpu_count', 4],
        ['max_price_per_hour', 0.5],
      ],
    ]);
  });

  test('another type or provider is told only if nobody of the asked one comes near', () => {
    const groups = [machine({ failed: ['type'], models: ['Tesla T4'] }), machine({ failed: ['gpus', 'cpu'] })];
    expect(whyNobody(order, groups).reasons.map(({ limit }) => limit)).toEqual(['gpu_count', 'cpu_cores']);
    expect(whyNobodyText(order, [machine({ failed: ['type'], models: ['Tesla T4'] })])).toBe(
      'no provider here has RTX 4090; others have Tesla T4',
    );
  });

  test('a stranger’s name of a GPU changes nothing in a terminal', () => {
    const models = ['\u001b]0;own\u0007RTX\u202e'];
    const [reason] = whyNobody(order, [machine({ failed: ['type'], models })]).reasons;

    expect(reason!.text).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  test('an empty fleet has no reason', () => {
    expect(whyNobodyText(order, [])).toBeUndefined();
  });
});

test('a registration may say where the machine is, in a few characters that can be printed', () => {
  const specOf = (region: unknown) => registrationSchema.parse({ provider_id: 'atlas', region }).spec;
  expect(specOf('kr-11')).toMatchObject({ region: 'kr-11' });
  expect(specOf('\u001b[2Jkr\u202e')).toMatchObject({ region: '[2Jkr' });
  for (const none of ['', null, undefined]) expect(specOf(none)).not.toHaveProperty('region');
  expect(registrationSchema.safeParse({ provider_id: 'atlas', region: 'x'.repeat(33) }).success).toBe(false);
});
