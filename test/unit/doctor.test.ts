import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createDoor, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { checkNames, examine, obstaclesToJoin } from '../../src/provider-agent/doctor/examine.js';
import type { Finding, Situation } from '../../src/provider-agent/doctor/finding.js';
import { thisHost } from '../../src/provider-agent/doctor/host.js';
import { isBehindRouter } from '../../src/provider-agent/doctor/network-checks.js';
import { findingsJson, hasFailure, reportOf } from '../../src/provider-agent/doctor/report.js';
import { tomlValues } from '../../src/provider-agent/doctor/toml.js';
import { parseGpuQuery } from '../../src/provider-agent/gpus.js';
import { requireJoinable } from '../../src/provider-agent/first-look.js';
import { diskOfCustomers } from '../../src/provider-agent/scan.js';
import { madeUpMachine, situation, type MadeUpMachine } from '../support/made-up-machine.js';

const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));
let machines = 0;
const newMachine = () => madeUpMachine(join(folder, String(machines++)));

/** What is found on a machine after something was changed, except what is always unknown or depends on this disk. */
async function found(change: (machine: MadeUpMachine) => void, of: Partial<Situation> = {}): Promise<Finding[]> {
  const machine = newMachine();
  change(machine);
  const findings = await examine(machine.host, situation(of));
  return findings.filter(
    ({ check, verdict }) => verdict !== 'ok' && !['from outside', 'broker', 'disk'].includes(check),
  );
}
const short = ({ check, verdict }: Finding) => `${verdict} ${check}`;

test('a machine that is set up as the guide says has nothing to mend', async () => {
  expect(await found(() => undefined)).toEqual([]);
});

describe('before the join', () => {
  test.each<[string, string, RegExp, (machine: MadeUpMachine) => void]>([
    [
      'swap',
      'swap',
      /^on \(\/dev\/sda2\)/,
      ({ put }) => put('proc/swaps', 'Filename Type\n/dev/sda2 partition 4 0 -2\n'),
    ],
    ['no forwarding', 'forwarding', /ip_forward is 0/, ({ put }) => put('proc/sys/net/ipv4/ip_forward', '0\n')],
    ['no kubelet', 'programs', /^kubelet is not/, ({ without }) => without.add('kubelet')],
    [
      'a containerd that does not run',
      'containerd',
      /does not run/,
      ({ host }) => rmSync(join(host.root, 'run/containerd'), { recursive: true }),
    ],
    ['two runtimes', 'containerd', /CRI-O runs as well/, ({ put }) => put('run/crio/crio.sock', '')],
    [
      'a containerd without its part for kubelets',
      'containerd',
      /disabled_plugins/,
      ({ put }) => put('etc/containerd/config.toml', 'disabled_plugins = [\n  "cri",\n]\n'),
    ],
    ['files of an earlier join', 'leftovers', /pki\/ca\.crt/, ({ put }) => put('etc/kubernetes/pki/ca.crt', 'x')],
    [
      'static pods of an earlier join',
      'leftovers',
      /manifests/,
      ({ put }) => put('etc/kubernetes/manifests/etcd.yaml', 'x'),
    ],
    [
      'a program on the port of the kubelet',
      'ports',
      /10250/,
      ({ put }) =>
        put(
          'proc/net/tcp6',
          '   0: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 0\n',
        ),
    ],
  ])('%s is an obstacle to the join, with something to type', async (_, check, text, change) => {
    const machine = newMachine();
    change(machine);
    const obstacles = await obstaclesToJoin(machine.host, []);
    expect(obstacles).toEqual([
      expect.objectContaining({ check, verdict: 'failure', text: expect.stringMatching(text) }),
    ]);
    expect(obstacles[0]!.mend).toMatch(/\S/);
    expect(await obstaclesToJoin(machine.host, [check])).toEqual([]);
    expect(await obstaclesToJoin(machine.host, ['all'])).toEqual([]);
    expect(checkNames).toContain(check);
  });

  test.each<[string, string, (machine: MadeUpMachine) => void]>([
    [
      'a module that is not loaded',
      'warning modules',
      ({ host }) => rmSync(join(host.root, 'proc/sys/net/bridge'), { recursive: true }),
    ],
    ['few inotify instances', 'warning limits', ({ put }) => put('proc/sys/fs/inotify/max_user_instances', '128\n')],
    [
      'two managers of cgroups',
      'warning cgroup driver',
      ({ put }) =>
        put(
          'etc/containerd/config.toml',
          '[plugins.x.containerd.runtimes.nvidia.options]\nSystemdCgroup = true\n[plugins.x.containerd.runtimes.runc.options]\nSystemdCgroup = false\n',
        ),
    ],
    [
      'cgroups of version 1',
      'warning cgroups',
      ({ host }) => rmSync(join(host.root, 'sys/fs/cgroup/cgroup.controllers')),
    ],
    ['data of a control plane', 'warning leftovers', ({ put }) => put('var/lib/etcd/member/wal', '')],
    ['a network of another cluster', 'warning leftovers', ({ put }) => put('etc/cni/net.d/10-flannel.conflist', '')],
    [
      'a program within the ports of customers',
      'warning ports',
      ({ put }) => put('proc/net/tcp', '   0: 00000000:7594 00000000:0000 0A 0\n'),
    ],
    [
      'kubeadm and kubelet of two versions',
      'warning programs',
      ({ prints }) => prints.set('kubelet --version', 'Kubernetes v1.30.0\n'),
    ],
  ])('%s is a warning and no obstacle', async (_, expected, change) => {
    expect((await found(change)).map(short)).toEqual([expected]);
  });

  test('a join is not tried while something is in its way, and the reason has a command to type', async () => {
    const { host, put } = newMachine();
    put('proc/sys/net/ipv4/ip_forward', '0\n');
    await expect(requireJoinable({ skipChecks: [] }, host)).rejects.toThrow(/✗ forwarding: .*\n.*→ echo/);
    await requireJoinable({ skipChecks: ['forwarding'] }, host);
  });

  test('swap that the kubelet is told to accept is no obstacle', async () => {
    const machine = newMachine();
    machine.put('proc/swaps', 'Filename Type\n/swap.img file 4 0 -2\n');
    machine.put('etc/default/kubelet', 'KUBELET_EXTRA_ARGS=--fail-swap-on=false\n');
    expect(await obstaclesToJoin(machine.host, [])).toEqual([]);
  });

  test('a connection to a port of customers is not taken for a program that listens there', async () => {
    expect(await found(({ put }) => put('proc/net/tcp', '   0: 0100007F:7594 0100007F:280A 01 0\n'))).toEqual([]);
  });

  test('what belongs to a join is no leftover once the machine has joined', async () => {
    const joined = await found(
      ({ put }) => {
        put('etc/kubernetes/pki/ca.crt', 'x');
        put('etc/cni/net.d/10-flannel.conflist', '');
        put('etc/kubernetes/kubelet.conf', '    server: https://127.0.0.1:1\n');
        put('var/lib/kubelet/config.yaml', 'cgroupDriver: systemd\nsingleProcessOOMKill: true\n');
        put('var/lib/kubelet/device-plugins/nvidia-gpu.sock', '');
        put('proc/net/tcp', '   0: 00000000:280A 00000000:0000 0A 0\n');
      },
      { hasJoined: true },
    );
    // Nothing listens on port 1.
    expect(joined.map(short)).toEqual(['failure api server']);
  });
});

describe('GPUs', () => {
  const memory = (text: string) => (machine: MadeUpMachine) => {
    machine.prints.set('nvidia-smi --query-gpu=index,memory.total,memory.used', text);
    machine.prints.set(
      'nvidia-smi --query-compute-apps=process_name',
      '/opt/x/\u001b]0;evil\u0007lotus\n[Not Found]\n',
    );
  };

  test('a GPU whose memory something of the owner holds has to be freed, and the program is named', async () => {
    const findings = await found(memory('0, 24564, 12000\n'));
    expect(findings.map(short)).toEqual(['failure gpu memory']);
    expect(findings[0]!.text).toMatch(/^GPU 0: 12000 of 24564 MB are in use, among others by \]0;evillotus;/);
  });

  test('a desktop with little of the memory is a warning', async () => {
    expect((await found(memory('0, 24564, 1800\n'))).map(short)).toEqual(['warning gpu memory']);
  });

  test('while customers use a GPU its memory says nothing about the owner', async () => {
    const findings = await found((machine) => {
      memory('0, 24564, 24000\n')(machine);
      machine.put('var/log/pods/tenant-1_job_x/log', '');
    });
    expect(findings.map(short)).toEqual(['unseen gpu memory']);
  });

  test.each<[string, string, (machine: MadeUpMachine) => void]>([
    [
      'a driver of two versions',
      'failure driver',
      ({ put }) =>
        put('proc/driver/nvidia/version', 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  560.35.03  Fri Aug 16\n'),
    ],
    ['the module nouveau', 'failure driver', ({ put }) => put('proc/modules', 'nouveau 1 0 - Live 0x0\n')],
    [
      'an old toolkit',
      'failure toolkit',
      ({ prints }) => prints.set('nvidia-ctk --version', 'NVIDIA Container Toolkit CLI version 1.17.7\n'),
    ],
    ['no toolkit', 'failure toolkit', ({ without }) => without.add('nvidia-container-runtime')],
    [
      'a toolkit that lets containers take any GPU',
      'failure toolkit',
      ({ put }) =>
        put(
          'etc/nvidia-container-runtime/config.toml',
          'accept-nvidia-visible-devices-as-volume-mounts = true\n#accept-nvidia-visible-devices-envvar-when-unprivileged = false\n',
        ),
    ],
  ])('%s has to be mended', async (_, expected, change) => {
    expect((await found(change)).map(short)).toEqual([expected]);
  });

  test('a card without a driver is seen on the bus', async () => {
    const none = {
      machine: { gpus: [], privateIp: '203.0.113.7' },
      reading: { problems: [], hasDriver: false, failed: false },
    };
    expect((await found(() => undefined, none)).map(short)).toEqual(['failure driver']);
    const withoutCard = ({ host }: MadeUpMachine) => rmSync(join(host.root, 'sys/bus'), { recursive: true });
    expect(await found(withoutCard, none)).toEqual([]);
  });

  test('the name of a card is printable, whoever wrote it', () => {
    const [gpu] = parseGpuQuery('0, GPU-1, 0:1, 24564, 0, 550.1, RTX \u001b[31m4090\u202e\u0007').gpus;
    expect(gpu!.name).toBe('RTX [31m4090');
  });
});

describe('the disk', () => {
  test('the disk is the one that containerd is configured to write to', async () => {
    const { host, put } = newMachine();
    put('etc/containerd/config.toml', 'imports = ["/etc/containerd/conf.d/*.toml"]\nroot = "/var/lib/containerd"\n');
    put('etc/containerd/conf.d/disk.toml', "root = '/data/containerd'\n");
    put('etc/containerd/conf.d/disk.toml.old', "root = '/old'\n");
    expect(await diskOfCustomers(host)).toMatchObject({ path: '/data/containerd' });
  });

  // A second file system without root: most systems have one in memory.
  const another = '/dev/shm';
  (existsSync(another) ? test : test.skip)(
    'containerd on another disk than the kubelet is a warning, and the smaller one counts',
    async () => {
      const { host, put } = newMachine();
      put('etc/containerd/config.toml', 'root = "/data/containerd"\n');
      symlinkSync(another, join(host.root, 'data'));
      const findings = await examine(host, situation());
      const apart = findings.find(({ check, text }) => check === 'disk' && text.includes('/data/containerd'));
      const { availableGb } = await diskOfCustomers(host);
      expect(apart).toMatchObject({ text: expect.stringContaining(`only ${availableGb} GB can be offered`) });
    },
  );
});

describe('the network', () => {
  test('an address of a private network is a warning unless a public one is given', async () => {
    const { machine } = situation();
    const behind = { machine: { ...machine, privateIp: '192.168.1.20' } };
    expect((await found(() => undefined, behind)).map(short)).toEqual(['warning address']);
    const named = { machine: { ...machine, privateIp: '192.168.1.20', publicIp: '203.0.113.7' } };
    expect(await found(() => undefined, named)).toEqual([]);
    expect(['10.1.2.3', '100.64.0.1', 'fd00::1', '203.0.113.7', '2001:db8::1', 'x'].map(isBehindRouter)).toEqual([
      ...[true, true, true, false, false, false],
    ]);
  });

  test('ports from outside are said to be untried, whatever the machine', async () => {
    const findings = await examine(newMachine().host, situation());
    expect(findings.find(({ check }) => check === 'from outside')).toMatchObject({
      verdict: 'unseen',
      text: expect.stringMatching(/was not tried/),
    });
  });

  test.each([
    [0, 'ok', /answers this machine/],
    [100_000, 'warning', /100 s behind/],
    [-1_000_000, 'failure', /1000 s ahead of/],
  ])('a clock that is %i ms behind that of the broker is %s', async (aheadMs, verdict, text) => {
    const server = createServer((_, response) => {
      response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const broker = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const findings = await examine(newMachine().host, situation({ broker }));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(findings.filter(({ check }) => check === 'broker')).toEqual([
      expect.objectContaining({ verdict, text: expect.stringMatching(text) }),
    ]);
  });

  test('a broker that does not answer is a failure, and says that it was tried from this machine', async () => {
    const findings = await examine(newMachine().host, situation({ broker: 'http://127.0.0.1:1' }));
    expect(findings.find(({ check }) => check === 'broker')).toMatchObject({
      verdict: 'failure',
      text: expect.stringMatching(/does not answer here/),
    });
  });
});

test('what cannot be read is said to be unseen, with the way to see it, and the other checks go on', async () => {
  const { host } = newMachine();
  const file = join(host.root, 'etc/containerd/config.toml');
  rmSync(file);
  // Even root cannot read a link to itself.
  symlinkSync(file, file);
  const findings = await examine({ ...host, isRoot: false }, situation());
  expect(findings.find(({ check }) => check === 'containerd')).toMatchObject({
    ...{
      verdict: 'unseen',
      text: expect.stringMatching(/config\.toml cannot be read/),
      mend: 'sudo provider-agent doctor',
    },
  });
  expect(findings.find(({ check }) => check === 'swap')).toMatchObject({ verdict: 'ok' });
  expect((await diskOfCustomers(host)).path).toBe('/var/lib/kubelet');
});

test('a socket is tried, because a program that has ended leaves its own behind', async () => {
  const path = join(folder, 'door');
  const server = createDoor();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(await thisHost.answers(path)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(path, '');
  expect([await thisHost.answers(path), await thisHost.answers(join(folder, 'none'))]).toEqual([false, false]);
});

test('a folder where a file should be, and the other way round, end no check', async () => {
  const { host } = newMachine();
  rmSync(join(host.root, 'etc/containerd'), { recursive: true });
  mkdirSync(join(host.root, 'etc/containerd/config.toml'), { recursive: true });
  rmSync(join(host.root, 'proc/swaps'));
  mkdirSync(join(host.root, 'proc/swaps'));
  const findings = await examine(host, situation());
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['swap', 'containerd', 'user']));
});

describe('the report', () => {
  const findings: Finding[] = [
    { check: 'swap', verdict: 'failure', text: 'on: '.repeat(40).trim(), mend: 'swapoff -a', stopsJoin: true },
    { check: 'broker', verdict: 'unseen', text: 'x'.repeat(200) },
    { check: 'user', verdict: 'ok', text: 'root' },
  ];

  test('the report fits 80 columns, keeps commands whole, and begins each finding with its mark', () => {
    const lines = reportOf(findings).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.filter((line) => /^[✓!✗?] /.test(line)).map((line) => line[0])).toEqual(['✗', '?', '✓', '✗']);
    expect(lines.at(-1)).toBe('✗ 1 thing has to be mended: the join would fail (1 not seen)');
  });

  test('a program reads the same findings with the names of the API', () => {
    expect(findingsJson(findings.slice(0, 1), false)).toEqual({
      ok: false,
      as_root: false,
      checks: [{ check: 'swap', verdict: 'failure', text: findings[0]!.text, mend: 'swapoff -a', stops_join: true }],
    });
    expect([hasFailure(findings), hasFailure(findings.slice(1))]).toEqual([true, false]);
  });
});

test('settings are read from TOML by their full names, and comments do not count', () => {
  const values = tomlValues(
    `root = '/data' # here\n# state = "/x"\nlist = [\n "a", 'b',\n]\n[plugins."io.x".runc]\n  On = true\n  text = 'a#b'\n[[many]]\nn = 3\n`,
  );
  expect(Object.fromEntries(values)).toEqual({
    ...{ root: '/data', list: ['a', 'b'] },
    ...{ 'plugins.io.x.runc.On': true, 'plugins.io.x.runc.text': 'a#b' },
  });
});
