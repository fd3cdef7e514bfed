import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
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
  for (const file of ['src/engines/kubernetes/control-plane.ts', 'src/engines/real-node/node-init.sh']) {
    expect(read(file)).toContain(`--service-node-port-range=${range}`);
  }
});

test('the cluster of the guide tells its kubelets to end one process and not the whole rental, as that of the tests does', () => {
  expect(read('docs/deploy.md')).toMatch(
    /^apiVersion: kubelet\.config\.k8s\.io\/v1beta1\nkind: KubeletConfiguration\nsingleProcessOOMKill: true\b/m,
  );
  expect(read('src/engines/kubernetes/kubeadm.ts')).toMatch(
    /kind: 'KubeletConfiguration',[^}]*\bsingleProcessOOMKill: true\b/,
  );
});

test('the page for operators says of every table how it is kept from growing', () => {
  const folder = 'src/db/migrations';
  const made = readdirSync(folder).flatMap((file) =>
    [...read(`${folder}/${file}`).matchAll(/^create table (\w+)/gm)].map(([, table]) => table!),
  );
  const grows = /^## What grows[^]*?(?=^## )/m.exec(read('docs/operate.md'))![0];
  const named = [...grows.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(([, names]) =>
    [...names!.matchAll(/\w+/g)].map(([name]) => name),
  );
  expect(made.length).toBeGreaterThan(15);
  expect(named.sort()).toEqual(made.sort());
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
