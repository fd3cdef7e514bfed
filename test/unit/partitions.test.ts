import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { offerOf, registrationSchema } from '../../src/domain/registration.js';
import { createGpuReader } from '../../src/provider-agent/gpus.js';
import { capacityByType, registrationMessage } from '../../src/provider-agent/messages.js';

const folder = mkdtempSync(join(tmpdir(), 'partitions-'));
const path = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = path;
});
afterAll(() => rmSync(folder, { recursive: true }));

const [first, second] = [0, 1].map((index) => `GPU-5d0e4a1c-7f2b-4d8e-9a6b-00000000000${index}`) as [string, string];
const cards = [
  `0, ${first}, 00000000:01:00.0, 40960, [N/A], 550.54.15, NVIDIA A100-SXM4-40GB`,
  `1, ${second}, 00000000:02:00.0, 40960, 37, 550.54.15, NVIDIA A100-SXM4-40GB`,
];
const parts = [
  `GPU 0: NVIDIA A100-SXM4-40GB (UUID: ${first})`,
  '  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)',
  '  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)',
  '  MIG 1c.2g.10gb  Device  2: (UUID: MIG-1e4f1ef2-42e4-5de3-91c7-45d71c87eb30)',
  `GPU 1: NVIDIA A100-SXM4-40GB (UUID: ${second})`,
];
const oneDivided = [`${first}, Enabled`, `${second}, Disabled`];

/** A driver that answers so, and writes down how often it was asked. */
function driver(answers: { modes: string[]; list?: string[]; listFails?: boolean }): { asked(): number } {
  const says = (lines: string[]) => `cat <<'END'\n${lines.join('\n')}\nEND\n`;
  const script = [
    '#!/bin/sh',
    `echo >>${folder}/asked`,
    `case "$*" in`,
    `*mig.mode*) ${says(answers.modes)};;`,
    `-L) ${answers.listFails === true ? 'exit 9\n' : says(answers.list ?? parts)};;`,
    `*) ${says(cards)};;`,
    'esac',
  ];
  writeFileSync(join(folder, 'nvidia-smi'), `${script.join('\n')}\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'asked'), '');
  process.env['PATH'] = `${folder}:${path}`;
  return { asked: () => readFileSync(join(folder, 'asked'), 'utf8').length };
}

test('a GPU that is divided is its parts, each with its own memory and id, beside cards that are whole', async () => {
  driver({ modes: oneDivided });
  const { gpus, usage, problems, failed } = await createGpuReader()();
  expect(gpus.map(({ index, name, memoryMb, uuid }) => [index, name, memoryMb, uuid.slice(0, 8)])).toEqual([
    [0, 'NVIDIA A100-SXM4-40GB MIG 3g.20gb', 20_480, 'MIG-c6d4'],
    [0, 'NVIDIA A100-SXM4-40GB MIG 1g.5gb', 5_120, 'MIG-cba6'],
    [1, 'NVIDIA A100-SXM4-40GB', 40_960, 'GPU-5d0e'],
  ]);
  expect(usage).toEqual([0, 0, 37]);
  expect(problems).toEqual(['GPU 0: MIG 1c.2g.10gb shares its memory and is not offered']);
  expect(failed).toBe(false);
});

test('a GPU that is divided and has no parts is not offered, and the agent says so', async () => {
  driver({ modes: oneDivided, list: [parts[0]!, parts[4]!] });
  const { gpus, usage, problems } = await createGpuReader()();
  expect([gpus.map(({ index }) => index), usage]).toEqual([[1], [37]]);
  expect(problems).toEqual(['GPU 0 has MIG enabled but no partitions: it is not offered']);
});

test('a GPU is not taken for whole when its parts cannot be listed, or the driver fails for a moment', async () => {
  const read = createGpuReader();
  driver({ modes: oneDivided });
  expect((await read()).gpus).toHaveLength(3);
  driver({ modes: ['Unable to determine the device handle'], listFails: true });
  expect(await read()).toMatchObject({ gpus: [], failed: true, problems: ['nvidia-smi -L failed'] });
});

test.each([
  ['cards that cannot be divided', [`${first}, [N/A]`, `${second}, [N/A]`]],
  ['a driver that knows nothing of it', ['Field "mig.mode.current" is not a valid field to query.']],
])('parts are asked for once of %s', async (_, modes) => {
  const { asked } = driver({ modes });
  const read = createGpuReader();
  expect((await read()).gpus).toHaveLength(2);
  expect(asked()).toBe(2);
  expect((await read()).gpus).toHaveLength(2);
  expect(asked()).toBe(3);
});

test('a part is a type of its own to the broker', async () => {
  driver({ modes: oneDivided });
  const { gpus } = await createGpuReader()();
  const machine = {
    ...{ hostname: 'box', os: 'Debian', kernelVersion: '6.1', architecture: 'amd64', cpuModel: 'EPYC', privateIp: '' },
    ...{ cpuCores: 16, cpuThreads: 32, totalMemoryMb: 131_072, totalDiskGb: 1_000, availableDiskGb: 500, gpus },
  };
  const prices = {
    gpuPricePerHour: 0.5,
    gpuPricesPerHour: {},
    cpuPricePerHour: 0,
    memoryPricePerGbHour: 0,
    storagePricePerGbHour: 0,
  };
  const capacity = capacityByType({ cpuCores: 31, memoryMb: 1_024, diskGb: 100, ...prices }, gpus);
  const wallet = `0x${'1'.repeat(40)}`;
  const message = registrationMessage({ providerId: 'gpu-1', wallet, machine, capacity, agentVersion: '2.0.0' });
  const read = registrationSchema.parse(JSON.parse(JSON.stringify(message)));
  expect(offerOf(read).gpus.map(({ type, vramGb, count }) => [type, vramGb, count])).toEqual([
    ['a100-sxm4-40gb', 40, 1],
    ['a100-sxm4-40gb-mig-1g-5gb', 5, 1],
    ['a100-sxm4-40gb-mig-3g-20gb', 20, 1],
  ]);
});
