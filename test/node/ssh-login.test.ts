import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generatePrivateKey } from 'viem/accounts';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { Session } from '../../src/auth/client.js';
import type { Log } from '../../src/engines/log.js';
import { pauseImageName } from '../../src/engines/real-node/configuration.js';
import type { Machine } from '../../src/engines/real-node/machine.js';
import { images, startRealNode } from '../../src/engines/real-node/node.js';
import { missingForRealNode } from '../../src/engines/real-node/requirements.js';
import { findOnPath } from '../../src/engines/tools/tool.js';
import { jobObjectName, tenantNamespace } from '../../src/domain/job.js';
import { gpuResource, labels } from '../../src/kubernetes/names.js';
import { startBroker, type RunningBroker } from '../support/broker.js';
import { end, newKey, opens, rent, run, ssh, sshOptions, type Job, type Rented } from '../support/customer.js';
import { createProviderMachine, type ProviderMachine, type RunningAgent } from '../support/provider-machine.js';
import { cgroups, traces } from '../support/traces.js';
import { until } from '../support/until.js';

const missing = missingForRealNode() ?? (findOnPath('ssh', process.env) === undefined ? 'the program ssh' : undefined);
if (missing !== undefined) console.warn(`skipped: a login to a real node needs ${missing}`);

const log: Log = (line) => void process.stderr.write(`  ${line}\n`);
const providerId = 'real-machine';
const gpus = 2;

let before: Record<string, unknown>;
let broker: RunningBroker;
let machine: Machine;
let provider: ProviderMachine;
let agent: RunningAgent;
let core: CoreV1Api;
let mine: Rented;

(missing === undefined ? describe : describe.skip)('a real machine', () => {
  beforeAll(async () => {
    broker = await startBroker({ SSH_SERVER_IMAGE: images.sshServer, JOB_MIN_DURATION_S: '1' });
    const { kubeconfig } = broker.endpoints;
    machine = await startRealNode({
      dataDir: resolve(kubeconfig!, '../../..'),
      hostName: 'rented-out',
      onTurn: () => (before = traces()),
      log,
    });
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig!);
    core = config.makeApiClient(CoreV1Api);
    provider = createProviderMachine({ gpus });
    // The real program in the place of the made-up one; it notes how it was called.
    const kubeadm = `#!/bin/sh\necho "$*" >>${join(provider.state, 'kubeadm')}\nexec ${machine.commands}/kubeadm "$@"\n`;
    writeFileSync(join(provider.state, '../bin/kubeadm'), kubeadm, { mode: 0o755 });
    const nodeKey = (await provider.command(['key'])).output.trim();
    const out = join(provider.state, 'delegation.json');
    await provider.command(
      ['authorize', '--id', providerId, '--node-key', nodeKey, '--broker', broker.endpoints.api, '--out', out],
      { WALLET_PRIVATE_KEY: generatePrivateKey() },
    );
    agent = provider.run([
      ...['--redis', broker.endpoints.redis, '--broker', broker.endpoints.api, '--join', 'yes', '--heartbeat-s', '2'],
      ...[
        '--gpu-price',
        '0.4',
        '--share-cpus',
        '2',
        '--kubelet-conf',
        join(machine.files, 'etc/kubernetes/kubelet.conf'),
      ],
    ]);
  }, 1_800_000);

  afterAll(async () => {
    await provider?.remove();
    await machine?.stop();
    await broker?.stop();
    if (mine !== undefined) rmSync(mine.folder, { recursive: true, force: true });
  }, 120_000);

  test('joins by the join command alone, which its agent runs as it is, and becomes the node that the broker named', async () => {
    const node = await until(
      async () => {
        const { items } = await core.listNode({ labelSelector: `${labels.placement}=${providerId}` });
        return items.find((one) => one.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'));
      },
      { timeoutMs: 120_000, name: 'the node is Ready and marked as the provider’s' },
    ).catch((error: Error) => {
      throw new Error(`${error.message}, but:\n${agent.output()}`);
    });
    // Word for word what the broker said.
    expect(readFileSync(join(provider.state, 'kubeadm'), 'utf8')).toMatch(
      /^join [\d.]+:\d+ --token \w{6}\.\w{16} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64} --node-name real-machine\n$/,
    );
    expect(node.status?.nodeInfo?.containerRuntimeVersion).toMatch(/^containerd:/);
    expect(node.status?.addresses).toContainEqual({ type: 'InternalIP', address: machine.address });
    // What the device plugin of a machine with GPUs does.
    const counted = { [gpuResource]: String(gpus) };
    await core.patchNodeStatus(
      { name: node.metadata!.name!, body: { status: { capacity: counted, allocatable: counted } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    const customer = await broker.customer();
    await until(async () => (await free(customer)) === gpus, { timeoutMs: 60_000, name: 'its GPUs are on offer' });
  }, 120_000);

  test('is rented, and the customer logs in as root with ssh, who knows the machine by the known_hosts line', async () => {
    const customer = await broker.customer();
    mine = await rent(customer, { env: { GREETING: '$(id) "hello"' } }).catch(async (error: Error) => {
      throw new Error(`${error.message}${await podsOf(customer)}`);
    });
    expect(mine.ssh_host).toBe(machine.address);
    const { code, output } = await ssh(mine, 'id -u; hostname; . /etc/os-release; echo $PRETTY_NAME; echo "$GREETING"');
    expect(output.split('\n')).toEqual(['0', 'gpu', 'Rented machine of the test', '$(id) "hello"', '']);
    expect(code).toBe(0);
    const fingerprint = execFileSync('ssh-keygen', ['-lf', join(mine.folder, 'known_hosts')], { encoding: 'utf8' });
    expect(fingerprint).toContain(` ${mine.ssh_host_key_fingerprint} `);
  }, 120_000);

  test('lets the customer have what was ordered, and nothing of the cluster’s', async () => {
    const { output } = await ssh(mine, 'env; echo; ls /var/run/secrets /run/secrets; cat /proc/self/status');
    expect(output).toContain('WORLDLAND_GPU_COUNT=1\n');
    expect(output).toContain(`WORLDLAND_JOB_ID=${mine.job_id}\n`);
    // The image's own PATH, which a login shell would have lost.
    expect(output).toContain('PATH=/opt/cuda/bin:/bin\n');
    expect(output.match(/secrets: No such file or directory/g)).toHaveLength(2);
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID and no other; and the kernel filters system calls.
    expect(output).toMatch(/^CapEff:\t0{14}fb$/m);
    expect(output).toMatch(/^NoNewPrivs:\t1$/m);
    expect(output).toMatch(/^Seccomp:\t2$/m);
  });

  test('keeps no dead processes, although nobody but the SSH server is there to wait for them', async () => {
    const { output } = await ssh(mine, '(true &); (true &); sleep 1; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l');
    expect(output).toBe('0\n');
  });

  test('refuses every key but the customer’s, and takes no password', async () => {
    const stranger = newKey();
    const { code, output } = await ssh({ ...mine, folder: stranger, known_hosts: mine.known_hosts }, 'true');
    expect([code, output]).toEqual([255, expect.stringContaining('Permission denied (publickey)')]);
    rmSync(stranger, { recursive: true });
  });

  test('reaches the internet, but no metadata service, no other tenant and nothing of the cluster', async () => {
    const neighbour = await broker.customer();
    const other = await rent(neighbour, {});
    try {
      const { status } = await core.readNamespacedPod({
        namespace: tenantNamespace(other.wallet),
        name: jobObjectName(other.job_id),
      });
      const podIp = status!.podIP!;
      // All link-local addresses are closed alike; the usual one of metadata services may be in use by the host.
      const metadata = '169.254.42.42';
      execFileSync('ip', ['address', 'add', `${metadata}/32`, 'dev', machine.link]);
      const [inside, outside] = [await serve(metadata), await serve(machine.gateway)];
      const ask = async (host: string, port: number) =>
        (await ssh(mine, `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 4 nc -w 3 ${host} ${port} 2>&1`)).output;
      // The policies of a new pod take a moment to be in force.
      await until(async () => !(await ask(metadata, inside)).includes('answered'), { timeoutMs: 30_000 });
      await until(async () => (await ask(machine.gateway, outside)).includes('answered'), { timeoutMs: 30_000 });
      expect(await ask(metadata, inside)).not.toContain('answered');
      // The kubelet and the API server, by its address and by its Service: all of them speak TLS and would say so.
      const [apiHost, apiPort] = broker.endpoints.kubernetes!.split(':');
      for (const [host, port] of [
        [machine.address, 10_250],
        [apiHost!, Number(apiPort)],
        ['10.96.0.1', 443],
      ] as const)
        expect(await ask(host, port)).not.toContain('HTTPS');
      expect(await ask(podIp, 2222)).not.toContain('SSH-2.0');
      // The same question to the same pod, asked by the node: it is the policy that answers the other one.
      const greeting = `require('net').connect(2222, '${podIp}').once('data', (text) => { console.log(String(text)); process.exit(); })`;
      expect(await machine.run(process.execPath, ['-e', greeting])).toContain('SSH-2.0');
    } finally {
      await end(neighbour, other);
    }
  }, 120_000);

  test('runs an image with nothing but one program: files can be copied, and a login says that there is no shell', async () => {
    const customer = await broker.customer();
    const bare = await rent(customer, { image: pauseImageName });
    try {
      const { code, output } = await ssh(bare, 'id');
      expect([code, output]).toEqual([127, expect.stringContaining('has no shell')]);
      const file = `root@${bare.ssh_host}:/weights`;
      const copied = join(bare.folder, 'copied');
      for (const [from, to] of [
        [join(bare.folder, 'id.pub'), file],
        [file, copied],
      ] as const)
        expect(await run('scp', [...sshOptions(bare), '-q', '-P', String(bare.ssh_port), from, to])).toMatchObject({
          code: 0,
        });
      expect(readFileSync(copied, 'utf8')).toBe(readFileSync(join(bare.folder, 'id.pub'), 'utf8'));
    } finally {
      await end(customer, bare);
    }
  }, 120_000);

  test('is closed when the time is over, and its GPUs are free again', async () => {
    const customer = await broker.customer();
    const begun = await free(customer);
    const short = await rent(customer, { duration_hours: 12 / 3_600 });
    expect((await ssh(short, 'echo in')).output).toBe('in\n');
    expect(await free(customer)).toBe(begun - 1);
    const session = ssh(short, 'sleep 300');
    const ended = await until(
      async () => {
        const { body } = await customer.request('GET', `/api/v1/jobs/${short.job_id}`);
        return (body as Job).status === 'expired' ? (body as Job) : undefined;
      },
      { timeoutMs: 60_000, everyMs: 250 },
    );
    expect(ended.ssh_port).toBeUndefined();
    expect((await session).code).toBe(255);
    expect(await opens(short.ssh_host, short.ssh_port)).toBe(false);
    expect(await free(customer)).toBe(begun);
    rmSync(short.folder, { recursive: true });
  }, 120_000);

  test('goes, and leaves this machine as it was', async () => {
    expect(await agent.stop()).toBe(0);
    await machine.stop();
    expect(traces()).toEqual(before);
    // Also those of an earlier run that was killed.
    expect(cgroups('worldland')).toBe('');
  }, 60_000);
});

async function free(customer: Session): Promise<number> {
  const { body } = await customer.request('GET', '/api/v1/providers/gpu-availability');
  const { providers } = body as {
    providers: { provider_id: string; available_gpus: number; can_create_job: boolean }[];
  };
  const row = providers.find((one) => one.provider_id === providerId);
  return row?.can_create_job === true ? row.available_gpus : 0;
}

/** What the node has made of a customer's jobs, for whoever has to find out why one does not run. */
async function podsOf({ wallet }: Session): Promise<string> {
  const namespace = tenantNamespace(wallet);
  const { items: pods } = await core.listNamespacedPod({ namespace });
  const { items: events } = await core.listNamespacedEvent({ namespace });
  const kubelet = readFileSync(join(machine.logs, 'kubelet.log'), 'utf8').split('\n').slice(-30);
  return [
    '',
    ...pods.map(({ status }) => JSON.stringify(status)),
    ...events.map(({ reason, message }) => `${reason}: ${message}`),
    ...kubelet,
  ].join('\n');
}

/** An HTTP service at an address of this machine; answers its port. It does not keep the tests from ending. */
async function serve(host: string): Promise<number> {
  const service = createServer((_, response) => response.end('answered')).unref();
  await new Promise<void>((listening) => service.listen(0, host, listening));
  return (service.address() as AddressInfo).port;
}
