import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { limits } from '../../src/domain/limits.js';
import { closedRanges } from '../../src/domain/closed-ranges.js';
import { canonicalRange } from '../../src/ip-range.js';
import { documentedSettingsFile } from '../support/documented-commands.js';
import { rightsBelow } from '../support/rights-table.js';

const pages = [
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'README.md',
];
const read = (page: string) => readFileSync(page, 'utf8');

test('the range of NodePorts is the same wherever it is named', () => {
  const range = /service-node-port-range, value: (\d+)-(\d+)/.exec(read('docs/deploy.md'))!.slice(1);
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/NodePorts?[^.|]{0,40}?\b(\d{5})(?:–|-| to )(\d{5})/g)].map(([, from, to]) => [
      page,
      from,
      to,
    ]),
  );
  expect(named.map(([page]) => page)).toEqual(expect.arrayContaining(['docs/deploy.md', 'docs/provider.md']));
  expect(named.filter(([, from, to]) => from !== range[0] || to !== range[1])).toEqual([]);
  // What carries so many jobs is counted from it.
  const ports = Number(range[1]) - Number(range[0]) + 1;
  expect(read('docs/deploy.md')).toContain(`${ports.toLocaleString('en-US')} jobs`);
});

test('the clusters that the tests run have that range too', () => {
  const [, range] = /service-node-port-range, value: (\d+-\d+)/.exec(read('docs/deploy.md'))!;
  for (const file of ['engines/kubernetes/control-plane.ts', 'engines/real-node/node-init.sh']) {
    expect(read(file)).toContain(`--service-node-port-range=${range}`);
  }
});

test('the cluster of the guide tells its kubelets to end one process and not the whole rental, as that of the tests does', () => {
  expect(read('docs/deploy.md')).toMatch(
    /^apiVersion: kubelet\.config\.k8s\.io\/v1beta1\nkind: KubeletConfiguration\nsingleProcessOOMKill: true\b/m,
  );
  expect(read('engines/kubernetes/kubeadm.ts')).toMatch(
    /kind: 'KubeletConfiguration',[^}]*\bsingleProcessOOMKill: true\b/,
  );
});

test('neither git nor the builder of images takes the secrets that the guide puts beside the compose file', () => {
  const named = [...documentedSettingsFile().matchAll(/=\.\/(\S+)/g)].map(([, file]) => file!);
  expect(named).toEqual(['broker.kubeconfig', 'broker-api.kubeconfig', 'receipt.key']);
  const takes = (list: string, file: string) =>
    !read(list)
      .split('\n')
      .map((line) =>
        line
          .replace(/^\/|\/$/g, '')
          .replace(/[.]/g, '\\.')
          .replace(/\*/g, '[^/]*'),
      )
      .some((entry) => entry !== '' && new RegExp(`^${entry}(/|$)`).test(file));
  for (const list of ['.gitignore', '.dockerignore']) {
    const taken = [...named, '.env', 'authorizer/ca.key'].filter((file) => takes(list, file));
    expect([list, taken]).toEqual([list, []]);
    expect([list, takes(list, 'src/main.ts')]).toEqual([list, true]);
  }
});

test('the page for operators says of every table how it is kept from growing', () => {
  const folder = 'src/db/migrations';
  const made = new Set<string>();
  for (const file of readdirSync(folder).sort()) {
    const [up] = read(`${folder}/${file}`).split('-- Down Migration');
    for (const [, verb, table] of up!.matchAll(/^(create|drop) table (\w+)/gm)) {
      if (verb === 'create') made.add(table!);
      else made.delete(table!);
    }
  }
  const grows = /^## What grows[^]*?(?=^## )/m.exec(read('docs/operate.md'))![0];
  const named = [...grows.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(([, names]) =>
    [...names!.matchAll(/\w+/g)].map(([name]) => name),
  );
  expect(made.size).toBeGreaterThan(15);
  expect(named.sort()).toEqual([...made].sort());
});

test('the page about security has a table of rights for everybody whose credentials lie on a provider’s machine', () => {
  const holders = [
    "## What a node's certificate may do",
    '## What a join token may do',
    '**kube-proxy**',
    '**kube-router**',
    "**NVIDIA's device plugin**",
  ];
  for (const holder of holders) expect(rightsBelow(holder).length).toBeGreaterThan(0);
});

test('the page about security names the policies against strangers, and none that is not shipped', () => {
  const folder = 'src/kubernetes/deploy';
  const policiesOf = (file: string) =>
    [...read(`${folder}/${file}`).matchAll(/^kind: ValidatingAdmissionPolicy\nmetadata: \{ name: ([\w-]+) \}/gm)].map(
      ([, name]) => name!,
    );
  const named = [...read('docs/security.md').matchAll(/`(worldland-[\w-]+)`/g)].map(([, name]) => name!);
  expect(named).toEqual(expect.arrayContaining(policiesOf('2-strangers-policies.yaml')));
  const shipped = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap(policiesOf);
  expect(named.filter((name) => !shipped.includes(name))).toEqual([]);
});

test('the page about security lists what jobs cannot reach, each with why, as it is closed', () => {
  const listed = [...read('docs/security.md').matchAll(/^\| `([0-9a-f.:]+\/\d+)` \| (.+) \|$/gm)];
  expect(listed.map(([, range, reason]) => [range, reason])).toEqual(closedRanges);
  for (const [range, reason] of closedRanges) {
    expect(canonicalRange(range)).toBe(range);
    expect(reason.length).toBeGreaterThan(5);
  }
});

test.each([
  ...['10.0.0.1', '100.100.100.200', '127.1.2.3', '168.63.129.16', '169.254.169.254', '169.254.170.2', '172.31.0.1'],
  ...['192.0.0.192', '192.168.1.1', '198.19.0.1', '239.1.1.1', '255.255.255.255', '0.0.0.0', '161.26.0.10'],
  ...['::1', 'fd00:ec2::254', 'fd20:ce::254', 'fe80::1', 'ff02::1', '2001::1', '2002:a00:1::1', '64:ff9b::a00:1'],
  ...['64:ff9b:1::1', '::10.0.0.1', 'fec0::1', '100::1', '5f00::1'],
])('%s is closed to jobs', (address) => {
  const closed = new BlockList();
  for (const [range] of closedRanges) {
    const [net, prefix] = range.split('/');
    closed.addSubnet(net!, Number(prefix), net!.includes(':') ? 'ipv6' : 'ipv4');
  }
  expect(closed.check(address, address.includes(':') ? 'ipv6' : 'ipv4')).toBe(true);
  expect(closed.check('8.8.8.8')).toBe(false);
  expect(closed.check('2606:4700::1111', 'ipv6')).toBe(false);
});

test('the page about the API lists every limit that is answered with 429', () => {
  const listed = [
    ...read('docs/api.md').matchAll(
      /^\| `(\w+)` \| (address|wallet|provider|job) \| (.+?) \| (\d*) ?\| ?(?:`(\w+)`)? ?\|$/gm,
    ),
  ].map(([, name, per, counts, seconds, setting]) => [name, per, counts, seconds || undefined, setting]);
  const all: [string, { per: string; counts: string; windowS?: number; setting?: string }][] = Object.entries(limits);
  expect(listed).toEqual(
    all.map(([name, { per, counts, windowS, setting }]) => [name, per, counts, windowS?.toString(), setting]),
  );
});
