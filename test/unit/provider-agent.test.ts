import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { privateKeyToAccount } from 'viem/accounts';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { offerOf as offerRead, registrationSchema } from '../../src/domain/registration.js';
import { readDelegationFile } from '../../src/provider-agent/delegation.js';
import { createGpuWatch } from '../../src/provider-agent/gpu-watch.js';
import type { GpuReading } from '../../src/provider-agent/gpu-reading.js';
import { createGpuReader, parseCudaVersion, parseGpuQuery } from '../../src/provider-agent/gpus.js';
import { helpOf } from '../../src/provider-agent/help.js';
import { joinArguments, parseJoinCommand } from '../../src/provider-agent/join-command.js';
import { capacityByType, registrationMessage, type Gpu, type Machine } from '../../src/provider-agent/messages.js';
import { optionsOf, readOptions, UsageError } from '../../src/provider-agent/options.js';
import { missingPrerequisites } from '../../src/provider-agent/prerequisites.js';
import { countCores, offerOf, osName } from '../../src/provider-agent/scan.js';
import { openState } from '../../src/provider-agent/state.js';
import { busyPercent } from '../../src/provider-agent/usage.js';
import { until } from '../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'provider-agent-'));
afterAll(() => rmSync(folder, { recursive: true }));

const gpuLine = (index: number, changes: Partial<Record<'memory' | 'usage' | 'name' | 'uuid' | 'bus', string>> = {}) =>
  [
    index,
    changes.uuid ?? `GPU-5d0e4a1c-7f2b-4d8e-9a6b-${String(index).padStart(12, '0')}`,
    changes.bus ?? `00000000:0${index + 1}:00.0`,
    changes.memory ?? '24564',
    changes.usage ?? '37',
    '550.54.15',
    changes.name ?? 'NVIDIA GeForce RTX 4090',
  ].join(', ');

describe('what nvidia-smi prints', () => {
  test('the driver’s answer is read GPU by GPU, in the order of their numbers', () => {
    const { gpus, usage, problems } = parseGpuQuery(`${gpuLine(1, { usage: '100' })}\n${gpuLine(0)}\n`);
    expect(gpus.map(({ index }) => index)).toEqual([0, 1]);
    expect(gpus[0]).toEqual({
      index: 0,
      name: 'NVIDIA GeForce RTX 4090',
      memoryMb: 24_564,
      uuid: 'GPU-5d0e4a1c-7f2b-4d8e-9a6b-000000000000',
      driverVersion: '550.54.15',
      cudaVersion: '',
      pciBusId: '00000000:01:00.0',
    });
    expect(usage).toEqual([37, 100]);
    expect(problems).toEqual([]);
  });

  test.each([
    ['memory that the driver does not tell', gpuLine(0, { memory: '[N/A]' }), { memoryMb: 0 }],
    ['a unit although none was asked for', gpuLine(0, { memory: '24564 MiB' }), { memoryMb: 24_564 }],
    ['a name with a comma', gpuLine(0, { name: 'NVIDIA RTX 6000, Ada' }), { name: 'NVIDIA RTX 6000, Ada' }],
    ['a name that is not there', gpuLine(0, { name: '[N/A]' }), { name: 'GPU' }],
  ])('the driver’s answer with %s is read anyway', (_, text, expected) => {
    const { gpus, problems } = parseGpuQuery(text);
    expect(gpus).toMatchObject([expected]);
    expect(problems).toEqual([]);
  });

  test.each([['[N/A]'], ['[Not Supported]'], ['N/A'], ['']])(
    'a GPU with "%s" for its usage counts as idle',
    (usage) => {
      expect(parseGpuQuery(gpuLine(0, { usage })).usage).toEqual([0]);
    },
  );

  test.each([
    ['is lost', gpuLine(1, { memory: '[GPU is lost]', usage: '[GPU is lost]' })],
    ['has to be reset', gpuLine(1, { usage: '[GPU requires reset]' })],
    ['gives an unknown error', gpuLine(1, { memory: '[Unknown Error]' })],
    ['has no handle', 'Unable to determine the device handle for GPU0000:02:00.0: Unknown Error'],
    ['has no uuid', gpuLine(1, { uuid: '[N/A]' })],
  ])('a GPU that %s is not counted, and the agent says so', (_, line) => {
    const { gpus, usage, problems } = parseGpuQuery(`${gpuLine(0)}\n${line}\n`);
    expect(gpus.map(({ index }) => index)).toEqual([0]);
    expect(usage).toHaveLength(1);
    expect(problems).toHaveLength(1);
  });

  test('the driver may report no GPU at all', () => {
    expect(parseGpuQuery('No devices were found\n')).toEqual({ gpus: [], usage: [], problems: [] });
    expect(parseGpuQuery('')).toEqual({ gpus: [], usage: [], problems: [] });
  });

  test('the driver’s table may or may not have the CUDA version', () => {
    const table = '| NVIDIA-SMI 550.54.15     Driver Version: 550.54.15      CUDA Version: 12.4     |';
    expect(parseCudaVersion(table)).toBe('12.4');
    expect(parseCudaVersion('CUDA Version        : 13.0')).toBe('13.0');
    expect(parseCudaVersion('| CUDA Version: N/A |')).toBe('');
  });
});

test('a driver that hangs is not waited for, not even when what it started goes on, and is asked again later', async () => {
  const programs = join(folder, 'hanging');
  mkdirSync(programs);
  // The shell dies at once when it is killed, and its child, which holds the output open, does not.
  const script = (body: string) => writeFileSync(join(programs, 'nvidia-smi'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const path = process.env['PATH'];
  process.env['PATH'] = `${programs}:${path}`;
  try {
    const read = createGpuReader(200);
    script('sleep 3; true');
    expect(await read()).toMatchObject({ gpus: [], hasDriver: true, failed: true });
    script(`echo "${gpuLine(0)}"`);
    const back = await until(async () => {
      const reading = await read();
      return reading.failed ? undefined : reading;
    });
    expect(back.gpus).toHaveLength(1);
  } finally {
    process.env['PATH'] = path;
  }
});

describe('the watch over GPUs', () => {
  const { gpus } = parseGpuQuery([gpuLine(0), gpuLine(1)].join('\n'));
  const reading = (seen: readonly Gpu[], failed = false): GpuReading => ({
    ...{ gpus: [...seen], usage: seen.map(() => 0), problems: [], hasDriver: true, failed },
  });

  test('a missing GPU is accepted at the second reading, and reported once', () => {
    const look = createGpuWatch(gpus);
    const seen = [gpus, [gpus[0]!], [gpus[0]!], [gpus[0]!]].map((now) => look(reading(now))?.length);
    expect(seen).toEqual([undefined, undefined, 1, undefined]);
  });

  test('a GPU that is back is reported too', () => {
    const look = createGpuWatch([gpus[0]!]);
    expect([look(reading(gpus)), look(reading(gpus))?.length]).toEqual([undefined, 2]);
  });

  test('a change that is over at the next reading is ignored', () => {
    const look = createGpuWatch(gpus);
    const seen = [[], gpus, [], gpus].map((now) => look(reading(now)));
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('a driver that does not answer gets more time than a missing GPU', () => {
    const look = createGpuWatch(gpus);
    const seen = Array.from({ length: 5 }, () => look(reading([], true))?.length);
    expect(seen).toEqual([undefined, undefined, undefined, 0, undefined]);
  });
});

describe('the join command that is run', () => {
  const hash = 'a'.repeat(64);
  const line = `kubeadm join 203.0.113.7:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:${hash} --node-name gpu-1`;

  test('the arguments for kubeadm are word for word those of the join command', () => {
    expect(joinArguments(parseJoinCommand(line))).toEqual(line.split(' ').slice(1));
    const ipv6 = line.replace('203.0.113.7', '[2001:db8::7]');
    expect(joinArguments(parseJoinCommand(ipv6))).toEqual(ipv6.split(' ').slice(1));
  });

  test.each([
    ['an option that is none of its own', `${line} --control-plane`],
    ['an option that takes a file', `${line} --config=/tmp/x`],
    ['a way around the pin', `${line} --discovery-token-unsafe-skip-ca-verification`],
    ['another token', `${line} --token bbbbbb.0123456789abcdef`],
    ['a word more', `${line} phase`],
    ['a value that looks like an option', line.replace('gpu-1', '--v=9')],
    ['an address that looks like an option', line.replace('203.0.113.7', '--config')],
    ['a port that is none', line.replace('6443', '70000')],
    ['a node name in capitals', line.replace('gpu-1', 'GPU_1')],
    ['a tab', line.replace(' --token', '\t--token')],
  ])('a join command with %s is rejected', (_, text) => {
    expect(() => parseJoinCommand(text)).toThrow(/join command/);
  });
});

describe('the state of an agent', () => {
  test('the state folder keeps the created key, readable only by its owner', () => {
    const state = join(folder, 'fresh');
    const { address } = openState(state).nodeKey();
    expect(openState(state).nodeKey().address).toBe(address);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(statSync(join(state, 'node-key')).mode & 0o777).toBe(0o600);
  });

  test('a state folder that others may enter, or whose key they may read, is rejected', () => {
    const state = join(folder, 'open');
    openState(state).nodeKey();
    chmodSync(join(state, 'node-key'), 0o644);
    expect(() => openState(state).nodeKey()).toThrow(/readable by other users/);
    chmodSync(state, 0o755);
    expect(() => openState(state)).toThrow(/open to other users/);
  });

  test('a key file with other contents is not overwritten', () => {
    const state = join(folder, 'broken');
    mkdirSync(state, { mode: 0o700 });
    writeFileSync(join(state, 'node-key'), 'half a ke', { mode: 0o600 });
    expect(() => openState(state).nodeKey()).toThrow(/does not contain a key/);
    expect(readFileSync(join(state, 'node-key'), 'utf8')).toBe('half a ke');
  });

  test('the state folder keeps the join command for root alone, until it is dropped', () => {
    const state = openState(join(folder, 'joining'));
    state.keepJoinCommand('kubeadm join …');
    expect(statSync(state.joinCommandFile).mode & 0o777).toBe(0o600);
    state.dropJoinCommand();
    expect(() => statSync(state.joinCommandFile)).toThrow(/ENOENT/);
  });
});

describe('a delegation', () => {
  const wallet = privateKeyToAccount(`0x${'11'.repeat(32)}`);
  const nodeKey = privateKeyToAccount(`0x${'22'.repeat(32)}`).address;
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  const written = async (name: string, changes: { validForS?: number } = {}) => {
    const file = join(folder, name);
    const options = { providerId: 'gpu-1', nodeKey, audience: 'https://b.example.com', chainId: 1, nowMs, ...changes };
    writeFileSync(file, JSON.stringify(await authorizeNodeKey(wallet, options)));
    return file;
  };

  test('a delegation is read with its contents', async () => {
    const read = readDelegationFile(await written('good.json'), { nodeKey, providerId: 'gpu-1', nowMs });
    expect(read).toMatchObject({ message: { providerId: 'gpu-1', wallet: wallet.address.toLowerCase() } });
  });

  test.each([
    ['of another key', { nodeKey: wallet.address, nowMs }, /another machine's key/],
    ['of another provider', { nodeKey, providerId: 'gpu-2', nowMs }, /for provider gpu-1/],
    ['that has expired', { nodeKey, nowMs: nowMs + 60_000 }, /expired on 2026-01-01/],
  ])('a delegation %s is not used', async (_, expected, sentence) => {
    expect(readDelegationFile(await written('other.json', { validForS: 30 }), expected)).toMatch(sentence);
  });

  test.each([['{'], ['{}'], ['{"reg":"{}","regsig":"0x00"}'], ['null']])(
    'a file that contains %s is not a delegation',
    (text) => {
      const file = join(folder, 'none.json');
      writeFileSync(file, text);
      expect(readDelegationFile(file, { nodeKey })).toMatch(/is not a delegation/);
    },
  );
});

describe('the options', () => {
  test('options come from flags first, then from the environment', () => {
    const env = { BROKER_URL: 'https://a.example.com/', GPU_PRICE_PER_HOUR: '0.4', PUBLIC_IP: '' };
    const options = readOptions('run', { broker: 'https://b.example.com/api/' }, env);
    expect(options).toMatchObject({ broker: 'https://b.example.com/api', gpuPrice: 0.4, join: 'ask', heartbeatS: 30 });
    expect(options.publicIp).toBeUndefined();
  });

  test('options may have prices by GPU name, also for names with spaces', () => {
    const { gpuPrices } = readOptions('run', { 'gpu-prices': 'NVIDIA A100-SXM4-80GB=1.8, RTX 4090=0.5' }, {});
    expect(gpuPrices).toEqual({ 'NVIDIA A100-SXM4-80GB': 1.8, 'RTX 4090': 0.5 });
    expect(() => readOptions('run', { 'gpu-prices': 'RTX 4090' }, {})).toThrow(/NAME=PRICE/);
  });

  test('invalid options are named, and a secret among them is not repeated', () => {
    const env = { WALLET_PRIVATE_KEY: '0xsecret' };
    const read = () => readOptions('authorize', { 'node-key': '0x12', days: '91' }, env);
    expect(read).toThrow(UsageError);
    expect(read).toThrow(/--node-key: .*\n(.*\n)*.*WALLET_PRIVATE_KEY is not a private key/);
    expect(read).not.toThrow(/secret/);
  });

  test('options take a wallet’s key from a file and never from a flag', () => {
    const file = join(folder, 'wallet');
    writeFileSync(file, `0x${'11'.repeat(32)}\n`);
    const { walletPrivateKey } = readOptions('authorize', {}, { WALLET_PRIVATE_KEY_FILE: file });
    expect(walletPrivateKey).toBe(`0x${'11'.repeat(32)}`);
    expect(optionsOf('authorize').filter(({ about }) => about.secret)).toHaveLength(1);
    expect(helpOf('authorize')).not.toContain('--wallet-private-key');
  });

  test('options do not accept a password on the command line', () => {
    expect(() => readOptions('run', { redis: 'rediss://id:pw@redis.example.com' }, {})).toThrow(/REDIS_URL/);
    const { redis } = readOptions('run', {}, { REDIS_URL: 'rediss://id:pw@redis.example.com' });
    expect(redis).toBe('rediss://id:pw@redis.example.com');
  });

  test('the help of a command has all its options', () => {
    for (const command of ['run', 'authorize', 'key', 'scan', 'leave'] as const)
      for (const { flag, about } of optionsOf(command))
        expect(helpOf(command)).toContain(about.secret ? about.env : `--${flag}`);
  });
});

describe('what is registered', () => {
  const machine: Machine = {
    ...{
      hostname: 'box',
      os: 'Debian',
      kernelVersion: '6.1',
      architecture: 'amd64',
      cpuModel: 'EPYC',
      privateIp: '10.0.0.2',
    },
    ...{ cpuCores: 16, cpuThreads: 32, totalMemoryMb: 131_072, totalDiskGb: 1_000, availableDiskGb: 500 },
    gpus: parseGpuQuery(
      [gpuLine(0), gpuLine(1), gpuLine(2, { name: 'NVIDIA A100-SXM4-80GB', memory: '81920' })].join('\n'),
    ).gpus,
  };
  const options = readOptions('run', { 'gpu-price': '0.5', 'gpu-prices': 'NVIDIA A100-SXM4-80GB=1.8' }, {});

  test('the broker reads a capacity as the agent offers it, type by type', () => {
    const capacity = capacityByType(offerOf(machine, options), machine.gpus);
    const wallet = `0x${'1'.repeat(40)}`;
    const message = registrationMessage({ providerId: 'gpu-1', wallet, machine, capacity, agentVersion: '2.0.0' });
    const read = registrationSchema.parse(JSON.parse(JSON.stringify(message)));
    expect(offerRead(read)).toEqual({
      gpus: [
        { type: 'a100-sxm4-80gb', model: 'NVIDIA A100-SXM4-80GB', vramGb: 80, count: 1, pricePerHour: 1.8 },
        { type: 'rtx-4090', model: 'NVIDIA GeForce RTX 4090', vramGb: 24, count: 2, pricePerHour: 0.5 },
      ],
      cpuCores: 31,
      memoryMb: 124_518,
      storageGb: 450,
      cpuPricePerHour: 0,
      memoryPricePerGbHour: 0,
    });
  });

  test('an offer never exceeds the machine, whatever its owner says', () => {
    const wanted = readOptions('run', { 'share-cpus': '64', 'share-memory-gb': '1000', 'share-disk-gb': '5000' }, {});
    expect(offerOf(machine, wanted)).toMatchObject({ cpuCores: 32, memoryMb: 131_072, diskGb: 1_000 });
  });
});

test('cores are counted by socket, and undefined if the kernel does not list them', () => {
  const thread = (socket: number, core: number) => `processor : 0\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;
  expect(countCores([thread(0, 0), thread(0, 1), thread(0, 0), thread(1, 0)].join('\n'))).toBe(3);
  expect(countCores('processor\t: 0\nBogoMIPS\t: 50.00\n')).toBeUndefined();
});

test('a system is called what it calls itself', () => {
  expect(osName('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')).toBe(
    'Debian GNU/Linux 12 (bookworm)',
  );
  expect(osName('NAME=x\n')).toBeUndefined();
});

test('processors are as busy as their times say, and idle if no time has passed', () => {
  expect(busyPercent({ idle: 100, total: 200 }, { idle: 130, total: 300 })).toBe(70);
  expect(busyPercent({ idle: 100, total: 200 }, { idle: 100, total: 200 })).toBe(0);
});

describe('a machine', () => {
  const put = (root: string, file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const all = () => true;
  const hasGpus = true;

  /** As the guide for providers has it, but for the device plugin. */
  const setUpWell = (root: string) => {
    put(root, 'etc/containerd/conf.d/99-nvidia.toml', '[plugins.x.containerd.runtimes.nvidia]\n');
    put(
      root,
      'etc/nvidia-container-runtime/config.toml',
      'accept-nvidia-visible-devices-as-volume-mounts = true\naccept-nvidia-visible-devices-envvar-when-unprivileged = false # ours\n',
    );
  };

  test('a well prepared machine lacks nothing', () => {
    const root = join(folder, 'well');
    setUpWell(root);
    put(root, 'var/lib/kubelet/device-plugins/nvidia-gpu.sock', '');
    expect(missingPrerequisites({ hasGpus, hasJoined: true }, { root, installed: all })).toEqual([]);
  });

  test('a machine whose containers could use any GPU is warned, and a commented setting does not count', () => {
    const root = join(folder, 'default');
    put(root, 'etc/containerd/config.toml', 'nvidia');
    put(
      root,
      'etc/nvidia-container-runtime/config.toml',
      '#accept-nvidia-visible-devices-as-volume-mounts = true\naccept-nvidia-visible-devices-envvar-when-unprivileged = true\n',
    );
    const missing = missingPrerequisites({ hasGpus, hasJoined: false }, { root, installed: all });
    expect(missing).toEqual([
      expect.stringMatching(/envvar-when-unprivileged is not false/),
      expect.stringMatching(/as-volume-mounts is not true/),
    ]);
  });

  test('a machine with GPUs but no toolkit gets one warning, and one without GPUs gets none about them', () => {
    const installation = {
      root: join(folder, 'bare'),
      installed: (name: string) => name !== 'nvidia-container-runtime',
    };
    expect(missingPrerequisites({ hasGpus, hasJoined: false }, installation)).toHaveLength(1);
    expect(missingPrerequisites({ hasGpus: false, hasJoined: false }, installation)).toEqual([]);
  });

  test('a joined machine without a device plugin is told that its GPUs are not counted', () => {
    const installation = { root: join(folder, 'no plugin'), installed: all };
    setUpWell(installation.root);
    expect(missingPrerequisites({ hasGpus, hasJoined: true }, installation)).toEqual([
      expect.stringMatching(/NVIDIA device plugin is not running/),
    ]);
  });

  test('a machine whose kubelet ends a whole rental for one process is warned, if its kernel would do that', () => {
    const root = join(folder, 'joined');
    const installation = { root, installed: all };
    const missing = () => missingPrerequisites({ hasGpus: false, hasJoined: true }, installation);
    put(root, 'var/lib/kubelet/config.yaml', 'kind: KubeletConfiguration\n');
    expect(missing()).toEqual([]);
    // The sign of cgroup v2.
    put(root, 'sys/fs/cgroup/cgroup.controllers', 'cpu memory\n');
    expect(missing()).toEqual([expect.stringMatching(/singleProcessOOMKill/)]);
    put(root, 'var/lib/kubelet/config.yaml', 'kind: KubeletConfiguration\nsingleProcessOOMKill: true\n');
    expect(missing()).toEqual([]);
  });
});
