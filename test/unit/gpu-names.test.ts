import { describe, expect, test } from '@jest/globals';
import { gpuMembers, membersBySpelling } from '../../src/domain/gpu-catalog.js';
import { isSameGpuName, meansGpu, readGpuName, vramGbOf } from '../../src/domain/gpu-name.js';
import { gpuTypesMeant, nearestGpuNames } from '../../src/domain/gpu-near.js';
import { gpuTypeKey } from '../../src/domain/gpu.js';

/** What somebody asks for, and what a provider's driver says, which it may mean. */
const means: [string, string][] = [
  ['RTX 4090', 'NVIDIA GeForce RTX 4090'],
  ['RTX4090', 'NVIDIA GeForce RTX 4090'],
  ['rtx-4090', 'NVIDIA GeForce RTX 4090'],
  ['rtx_4090', 'NVIDIA GeForce RTX 4090'],
  ['4090', 'NVIDIA GeForce RTX 4090'],
  ['NVIDIA_GeForce_RTX_4090', 'NVIDIA GeForce RTX 4090'],
  ['NVIDIA-GeForce-RTX-4090', 'NVIDIA GeForce RTX 4090'],
  ['GeForce RTX 4090 24GB', 'NVIDIA GeForce RTX 4090'],
  ['GeForceRTX4090', 'NVIDIA GeForce RTX 4090'],
  ['RTX 4090', 'NVIDIA_GeForce_RTX_4090'],
  ['rtx4090-24g', 'NVIDIA GeForce RTX 4090'],
  ['4080 Super', 'NVIDIA GeForce RTX 4080 SUPER'],
  ['4080S', 'NVIDIA GeForce RTX 4080 SUPER'],
  ['RTX 4070Ti Super', 'NVIDIA GeForce RTX 4070 Ti SUPER'],
  ['3090ti', 'NVIDIA GeForce RTX 3090 Ti'],
  ['rtx 3060', 'NVIDIA GeForce RTX 3060'],
  ['1080 Ti', 'NVIDIA GeForce GTX 1080 Ti'],
  ['RTX 5090', 'NVIDIA GeForce RTX 5090'],
  ['T4', 'Tesla T4'],
  ['tesla-t4', 'Tesla T4'],
  ['TeslaT4', 'NVIDIA T4'],
  ['V100', 'Tesla V100-SXM2-16GB'],
  ['V100 32GB', 'Tesla V100-SXM2-32GB'],
  ['v100-sxm2', 'Tesla V100-SXM2-32GB'],
  ['P100', 'Tesla P100-PCIE-16GB'],
  ['A6000', 'NVIDIA RTX A6000'],
  ['RTX A6000', 'NVIDIA RTX A6000'],
  ['rtxa6000', 'Quadro RTX A6000'],
  ['A4000', 'NVIDIA RTX A4000'],
  ['A2000', 'NVIDIA RTX A2000 12GB'],
  ['6000 Ada', 'NVIDIA RTX 6000 Ada Generation'],
  ['RTX 6000 Ada', 'NVIDIA RTX 6000 Ada Generation'],
  ['RTX6000Ada', 'NVIDIA RTX 6000 Ada Generation'],
  ['Ada 6000', 'NVIDIA RTX 6000 Ada Generation'],
  ['RTX 4000 Ada', 'NVIDIA RTX 4000 Ada Generation'],
  ['RTX 4000', 'Quadro RTX 4000'],
  ['RTX PRO 6000', 'NVIDIA RTX PRO 6000 Blackwell Server Edition'],
  ['A100', 'NVIDIA A100-SXM4-80GB'],
  ['A100', 'NVIDIA A100-PCIE-40GB'],
  ['A100', 'NVIDIA A100 80GB PCIe'],
  ['a 100', 'NVIDIA A100-SXM4-40GB'],
  ['A100 80GB', 'NVIDIA A100-SXM4-80GB'],
  ['A100-80G', 'NVIDIA A100 80GB PCIe'],
  ['a100_80gb', 'NVIDIA A100 80GB PCIe'],
  ['a10080gb', 'NVIDIA A100 80GB PCIe'],
  ['A100 80 GB', 'NVIDIA A100-SXM4-80GB'],
  ['A100 80', 'NVIDIA A100-SXM4-80GB'],
  ['A100 SXM', 'NVIDIA A100-SXM4-80GB'],
  ['a100sxm4', 'NVIDIA A100-SXM4-40GB'],
  ['A100-SXM4-80GB', 'NVIDIA A100-SXM4-80GB'],
  ['A100 SXM4 80GB', 'A100-SXM-80GB'],
  ['A100 PCI-E', 'NVIDIA A100-PCIE-40GB'],
  ['nvidia/a100', 'NVIDIA A100-SXM4-80GB'],
  ['H100', 'NVIDIA H100 80GB HBM3'],
  ['H100', 'NVIDIA H100 PCIe'],
  ['H100', 'NVIDIA H100 NVL'],
  ['H100 SXM', 'NVIDIA H100 80GB HBM3'],
  ['h100-sxm5-80gb', 'NVIDIA H100 80GB HBM3'],
  ['H100 NVL', 'NVIDIA H100 NVL'],
  ['H200', 'NVIDIA H200'],
  ['H200 SXM', 'NVIDIA H200'],
  ['B200', 'NVIDIA B200'],
  ['L4', 'NVIDIA L4'],
  ['L4 24GB', 'NVIDIA L4'],
  ['l40s', 'NVIDIA L40S'],
  ['L40S-48GB', 'NVIDIA L40S'],
  ['L 40', 'NVIDIA L40'],
  ['A10', 'NVIDIA A10'],
  ['A10 PCIe', 'NVIDIA A10'],
  ['A40', 'NVIDIA A40'],
  ['MI300X', 'AMD Instinct MI300X OAM'],
  ['mi 300x', 'AMD Instinct MI300X'],
  ['instinct-mi250', 'AMD Instinct MI250'],
  ['7900 XTX', 'AMD Radeon RX 7900 XTX'],
  ['rush9', 'Rush 9'],
  ['MIG 1g.5gb', 'nvidia.com/mig-1g.5gb'],
  ['1g.5gb', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb'],
  ['A100 MIG 1g.5gb', 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb'],
  ['mig_2g_10gb', 'NVIDIA A100-SXM4-80GB MIG 2g.10gb'],
];

const meansNot: [string, string][] = [
  ['L4', 'NVIDIA L40'],
  ['L40', 'NVIDIA L4'],
  ['L40', 'NVIDIA L40S'],
  ['L40S', 'NVIDIA L40'],
  ['A100', 'NVIDIA A10'],
  ['A10', 'NVIDIA A100-SXM4-80GB'],
  ['A10', 'NVIDIA A10G'],
  ['A100', 'NVIDIA RTX A1000'],
  ['A1000', 'NVIDIA A100'],
  ['A100', 'NVIDIA A100X'],
  ['RTX 4000', 'NVIDIA RTX 4000 Ada Generation'],
  ['RTX 4000', 'NVIDIA RTX A4000'],
  ['RTX A4000', 'Quadro RTX 4000'],
  ['RTX 4000 Ada', 'NVIDIA RTX 4000 SFF Ada Generation'],
  ['RTX 4000 Ada', 'Quadro RTX 4000'],
  ['RTX 6000', 'NVIDIA RTX PRO 6000 Blackwell Workstation Edition'],
  ['RTX 6000 Ada', 'NVIDIA RTX A6000'],
  ['RTX 4090', 'NVIDIA GeForce RTX 4090 Laptop GPU'],
  ['RTX 4090', 'NVIDIA GeForce RTX 4090 D'],
  ['RTX 4070', 'NVIDIA GeForce RTX 4070 Ti'],
  ['RTX 4080', 'NVIDIA GeForce RTX 4080 SUPER'],
  ['T4', 'NVIDIA T400'],
  ['P100', 'Tesla P40'],
  ['V100', 'Tesla V100S-PCIE-32GB'],
  ['H100', 'NVIDIA GH200 480GB'],
  ['H100', 'NVIDIA H200'],
  ['A100 40GB', 'NVIDIA A100-SXM4-80GB'],
  ['A100-SXM4-80GB', 'NVIDIA A100 80GB PCIe'],
  ['A100-SXM4-80GB', 'NVIDIA A100-SXM4-40GB'],
  ['H100 PCIe', 'NVIDIA H100 80GB HBM3'],
  ['MI300X', 'AMD Instinct MI300A'],
  ['MI250', 'AMD Instinct MI250X'],
  ['A100', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb'],
  ['A100-SXM4-40GB', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb'],
  ['A100', 'nvidia.com/mig-1g.5gb'],
  ['MIG 1g.5gb', 'NVIDIA A100-SXM4-40GB'],
  ['MIG 1g.5gb', 'NVIDIA A100-SXM4-80GB MIG 1g.10gb'],
  ['H100 MIG 1g.10gb', 'NVIDIA A100-SXM4-80GB MIG 1g.10gb'],
];

describe('a name', () => {
  test.each(means)('%s may be answered with %s', (asked, registered) => {
    expect(meansGpu(readGpuName(asked), readGpuName(registered))).toBe(true);
    // Rows and orders hold keys.
    expect(meansGpu(readGpuName(gpuTypeKey(asked)), readGpuName(gpuTypeKey(registered)))).toBe(true);
  });

  test.each(meansNot)('%s is never answered with %s', (asked, registered) => {
    expect(meansGpu(readGpuName(asked), readGpuName(registered))).toBe(false);
    expect(meansGpu(readGpuName(gpuTypeKey(asked)), readGpuName(gpuTypeKey(registered)))).toBe(false);
  });

  test('a name of the catalogue means its own member and no other', () => {
    const confused = gpuMembers.flatMap(({ name, model }) =>
      gpuMembers
        .filter((other) => meansGpu(readGpuName(name), readGpuName(other.name)) !== (other.model === model))
        .map((other) => `${name}: ${other.name}`),
    );
    expect(confused).toEqual([]);
  });

  test('a name has the same meaning in every spelling of the catalogue', () => {
    const lost = [...membersBySpelling].filter(([spelling, { model }]) => readGpuName(spelling).model !== model);
    expect(lost).toEqual([]);
  });

  test('a name is the same in two spellings, and differs with another memory', () => {
    const same = (a: string, b: string) => isSameGpuName(readGpuName(a), readGpuName(b));
    expect(same('RTX4090', 'NVIDIA GeForce RTX 4090')).toBe(true);
    expect(same('A100', 'A100 80GB')).toBe(false);
    expect(same('A100-SXM4-80GB', 'a100 sxm4 80g')).toBe(true);
  });

  test.each(['', '---', 'x'.repeat(200), '9'.repeat(128), 'gb', 'mig', '80gb', '💥'])(
    'is read whatever it is: %j',
    (text) => {
      expect(() => readGpuName(text)).not.toThrow();
    },
  );

  test('a made-up name takes no time to read', () => {
    const begun = performance.now();
    for (const part of ['1g', 'sxm', 'pcie4', '1g ', 'mig-', '80gb', 'nvidia', 'a1']) readGpuName(part.repeat(2_000));
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

test.each([
  ['Tesla T4', 15_109, 16],
  ['NVIDIA A10', 22_731, 24],
  ['NVIDIA L4', 22_491, 24],
  ['NVIDIA L40S', 46_068, 48],
  ['NVIDIA A100-SXM4-80GB', 81_251, 80],
  ['NVIDIA A100', 40_536, 40],
  ['NVIDIA H100 80GB HBM3', 81_559, 80],
  ['NVIDIA H100 NVL', 95_830, 94],
  ['NVIDIA H200', 143_771, 141],
  ['NVIDIA GeForce RTX 4090', 24_564, 24],
  ['NVIDIA GeForce RTX 2080 Ti', 11_019, 11],
  ['NVIDIA GeForce RTX 3080', 12_288, 12],
  ['NVIDIA A100-SXM4-40GB MIG 1g.5gb', 4_864, 5],
  ['Unheard Of', 24_000, 24],
  ['Unheard Of', 7 * 1024, 7],
  ['NVIDIA L4', 0, undefined],
])('%s of which the driver counts %i MB has %s GB', (name, countedMb, gb) => {
  expect(vramGbOf(readGpuName(name), countedMb)).toBe(gb);
});

describe('among the registered types', () => {
  const registered = [
    { key: 'a10', vramGb: 24 },
    { key: 'a100', vramGb: 80 },
    { key: 'a100-pcie-40gb', vramGb: 40 },
    { key: 'a100-sxm4-80gb', vramGb: 80 },
    { key: 'a100-sxm4-40gb-mig-1g-5gb', vramGb: 5 },
    { key: 'h100-80gb-hbm3', vramGb: 80 },
    { key: 'l4', vramGb: 24 },
    { key: 'rtx-3090', vramGb: 24 },
    { key: 'rush-9' },
  ];

  test('a requested family means all of its members, and a member only itself', () => {
    expect(gpuTypesMeant('a100', registered)).toMatchObject({
      keys: ['a100', 'a100-pcie-40gb', 'a100-sxm4-80gb'],
      isKnown: true,
    });
    expect(gpuTypesMeant('A100-SXM4-80GB', registered).keys).toEqual(['a100-sxm4-80gb']);
  });

  test('a requested memory is compared by name if the name has one, else by what was counted', () => {
    expect(gpuTypesMeant('A100 80GB', registered)).toMatchObject({
      keys: ['a100', 'a100-sxm4-80gb'],
      certain: ['a100-sxm4-80gb'],
      vramGb: 80,
    });
  });

  test('the nearest types are those of the family first, then those of the same size', () => {
    expect(gpuTypesMeant('a100-sxm4-40gb', registered)).toMatchObject({ keys: [], isKnown: true });
    expect(gpuTypesMeant('a100-sxm4-40gb', registered).near).toEqual([
      'a100',
      'a100-pcie-40gb',
      'a100-sxm4-80gb',
      'a10',
    ]);
    expect(gpuTypesMeant('RTX 4090', registered).near).toEqual(['a10', 'l4', 'rtx-3090']);
  });

  test('a name that neither the catalogue nor a provider knows is unknown', () => {
    expect(gpuTypesMeant('rush9', registered)).toMatchObject({ keys: ['rush-9'], isKnown: true });
    expect(gpuTypesMeant('rush-10', registered)).toMatchObject({ keys: [], near: [], isKnown: false });
  });

  test.each([
    ['RTX 4099', 'RTX 4090'],
    ['RTX 409', 'RTX 4090'],
    ['H10', 'H100'],
    ['L40X', 'L40'],
    ['A10O', 'A10'],
    ['GTX 4090', 'RTX 4090'],
    ['rush-8', 'rush-9'],
  ])('%s was most likely meant to be %s', (asked, name) => {
    expect(nearestGpuNames(asked, registered)).toContain(name);
  });

  test('nothing is guessed where nothing is near', () => {
    expect(nearestGpuNames('toaster', registered)).toEqual([]);
    expect(nearestGpuNames('x'.repeat(500), registered)).toEqual([]);
  });
});
