import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { generatePrivateKey } from 'viem/accounts';
import { pauseImageName } from '../../engines/real-node/configuration.js';
import { images } from '../../engines/real-node/node.js';
import { missingForRealNode } from '../../engines/real-node/requirements.js';
import { findOnPath } from '../../engines/tools/tool.js';
import { jobObjectName } from '../../src/domain/job.js';
import { end, newKey, opens, rent, run, ssh, sshOptions, type Job, type Rented } from '../support/customer.js';
import { describeUnless } from '../support/needs.js';
import { offerRealMachine, type RealMachine } from '../support/real-machine.js';
import { cgroups, traces } from '../support/traces.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';
import { namespaceIn } from '../support/tenants.js';
import { startWl } from '../support/wl.js';

const missing = missingForRealNode() ?? (findOnPath('ssh', process.env) === undefined ? 'the program ssh' : undefined);

let before: Record<string, unknown>;
let real: RealMachine;
let mine: Rented;

describeUnless(missing)('a real machine', () => {
  beforeAll(async () => {
    // The images are on the machine, and no registry has them.
    real = await offerRealMachine({
      env: { JOB_IMAGE_PULL_POLICY: 'IfNotPresent' },
      onTurn: () => (before = traces()),
    });
  }, 1_800_000);

  afterAll(async () => {
    await real?.remove();
    if (mine !== undefined) rmSync(mine.folder, { recursive: true, force: true });
  }, 120_000);

  const chapter = story('a real machine joins, is rented by strangers, and leaves', 900_000);

  chapter('a machine joins by the join command alone and becomes the node that the broker named', async () => {
    const node = await real.joined();
    // Word for word what the broker said.
    expect(readFileSync(join(real.provider.state, 'kubeadm'), 'utf8')).toMatch(
      /^join [\d.]+:\d+ --token \w{6}\.\w{16} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64} --node-name p-real-machine-1\n$/,
    );
    expect(node.status?.nodeInfo?.containerRuntimeVersion).toMatch(/^containerd:/);
    expect(node.status?.addresses).toContainEqual({ type: 'InternalIP', address: real.machine.address });
    await real.offerGpus(node, await real.broker.customer());
  });

  chapter('a customer rents the machine, verifies it by the known_hosts line and logs in as root', async () => {
    const customer = await real.broker.customer();
    mine = await rent(customer, { env: { GREETING: '$(id) "hello"' } }).catch(async (error: Error) => {
      throw new Error(`${error.message}${await real.podsOf(customer)}`);
    });
    expect(mine.ssh_host).toBe(real.machine.address);
    const { code, output } = await ssh(mine, 'id -u; hostname; . /etc/os-release; echo $PRETTY_NAME; echo "$GREETING"');
    expect(output.split('\n')).toEqual(['0', 'gpu', 'Rented machine of the test', '$(id) "hello"', '']);
    expect(code).toBe(0);
    const fingerprint = execFileSync('ssh-keygen', ['-lf', join(mine.folder, 'known_hosts')], { encoding: 'utf8' });
    expect(fingerprint).toContain(` ${mine.ssh_host_key_fingerprint} `);
  });

  chapter('the customer gets what was ordered, and nothing of the cluster', async () => {
    const { output } = await ssh(mine, 'env; echo; ls /var/run/secrets /run/secrets; cat /proc/self/status');
    expect(output).toContain('WORLDLAND_GPU_COUNT=1\n');
    expect(output).toContain(`WORLDLAND_JOB_ID=${mine.job_id}\n`);
    // The image's own PATH, which a login shell would have lost.
    expect(output).toContain('PATH=/opt/cuda/bin:/bin\n');
    expect(output.match(/secrets: No such file or directory/g)).toHaveLength(2);
    // Those of the manifest and no other, MKNOD (bit 27) above all; and the kernel filters system calls.
    expect(output).toMatch(/^CapEff:\t0{8}a00405fb$/m);
    expect(output).toMatch(/^NoNewPrivs:\t1$/m);
    expect(output).toMatch(/^Seccomp:\t2$/m);
  });

  chapter('the SSH server reaps dead processes', async () => {
    const { output } = await ssh(mine, '(true &); (true &); sleep 1; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l');
    expect(output).toBe('0\n');
  });

  chapter('the SSH server refuses passwords and every key but the customer’s', async () => {
    const stranger = newKey();
    const { code, output } = await ssh({ ...mine, folder: stranger, known_hosts: mine.known_hosts }, 'true');
    expect([code, output]).toEqual([255, expect.stringContaining('Permission denied (publickey)')]);
    rmSync(stranger, { recursive: true });
  });

  chapter('a key that is added to a running job logs in, once the kubelet has taken it', async () => {
    const customer = await real.broker.customer();
    const rented = await rent(customer, {});
    const second = { ...rented, folder: newKey() };
    try {
      expect((await ssh(second, 'true')).code).toBe(255);
      const body = { public_key: readFileSync(join(second.folder, 'id.pub'), 'utf8').trim() };
      const reply = await customer.request('POST', `/api/v1/jobs/${rented.job_id}/ssh-keys`, body);
      expect([reply.status, reply.body]).toMatchObject([201, { keys: 2, takes_effect: 'within_two_minutes' }]);
      const isIn = async () => (await ssh(second, 'true')).code === 0;
      await until(isIn, { timeoutMs: 180_000, everyMs: 3_000, name: 'the kubelet takes the key' });
      expect(await ssh(rented, 'echo still')).toEqual({ code: 0, output: 'still\n' });
    } finally {
      rmSync(second.folder, { recursive: true });
      await end(customer, rented);
    }
  });

  chapter(
    'the old scp, a port that leads back and a unix socket work in an image that knows none of them',
    async () => {
      const target = [...sshOptions(mine), '-p', String(mine.ssh_port), `root@${mine.ssh_host}`];
      const [file, back] = [join(mine.folder, 'id.pub'), join(mine.folder, 'back')];
      const scp = ['-O', '-q', ...sshOptions(mine), '-P', String(mine.ssh_port)];
      const there = `root@${mine.ssh_host}:/root/`;
      expect(await run('scp', [...scp, file, there])).toEqual({ code: 0, output: '' });
      expect(await run('scp', [...scp, `${there}id.p*`, back])).toEqual({ code: 0, output: '' });
      expect(readFileSync(back, 'utf8')).toBe(readFileSync(file, 'utf8'));
      const home = createServer((_, response) => response.end('from home')).listen(0, '127.0.0.1');
      await new Promise((done) => home.once('listening', done));
      const { port } = home.address() as AddressInfo;
      const asked = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 127.0.0.1 9000; test -S /root/s && echo socket`;
      const forwards = ['-R', `9000:127.0.0.1:${port}`, '-R', `/root/s:127.0.0.1:${port}`];
      const { output } = await run('ssh', ['-o', 'ExitOnForwardFailure=yes', ...forwards, ...target, asked]);
      home.close();
      expect(output).toMatch(/from home\s*socket\n$/);
    },
  );

  chapter(
    'a job reaches the internet, but no metadata service, no other tenant and nothing of the cluster',
    async () => {
      const neighbour = await real.broker.customer();
      const other = await rent(neighbour, {});
      try {
        const { status } = await real.core.readNamespacedPod({
          namespace: await namespaceIn(real.broker.endpoints.postgres!, other.wallet),
          name: jobObjectName(other.job_id),
        });
        const podIp = status!.podIP!;
        // All link-local addresses are closed alike; the usual one of metadata services may be in use by the host.
        const metadata = '169.254.42.42';
        execFileSync('ip', ['address', 'add', `${metadata}/32`, 'dev', real.machine.link]);
        const [inside, outside] = [await serve(metadata), await serve(real.machine.gateway)];
        const ask = async (host: string, port: number) =>
          (await ssh(mine, `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 4 nc -w 3 ${host} ${port} 2>&1`)).output;
        // The policies of a new pod take a moment to be in force.
        await until(async () => !(await ask(metadata, inside)).includes('answered'), { timeoutMs: 30_000 });
        await until(async () => (await ask(real.machine.gateway, outside)).includes('answered'), { timeoutMs: 30_000 });
        expect(await ask(metadata, inside)).not.toContain('answered');
        // The kubelet and the API server, by its address and by its Service: all of them speak TLS and would say so.
        const [apiHost, apiPort] = real.broker.endpoints.kubernetes!.split(':');
        for (const [host, port] of [
          [real.machine.address, 10_250],
          [apiHost!, Number(apiPort)],
          ['10.96.0.1', 443],
        ] as const)
          expect(await ask(host, port)).not.toContain('HTTPS');
        expect(await ask(podIp, 2222)).not.toContain('SSH-2.0');
        // The same question to the same pod, asked by the node: it is the policy that answers the other one.
        const greeting = `require('net').connect(2222, '${podIp}').once('data', (text) => { console.log(String(text)); process.exit(); })`;
        expect(await real.machine.run(process.execPath, ['-e', greeting])).toContain('SSH-2.0');
      } finally {
        await end(neighbour, other);
      }
    },
  );

  chapter(
    'with an image of a single program, files can be copied and a login says that there is no shell',
    async () => {
      const customer = await real.broker.customer();
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
    },
  );

  chapter('wl logs in by the configuration that it wrote, copies both ways, and refuses another host key', async () => {
    const customer = await real.broker.customer();
    const rented = await rent(customer, { job_name: 'train' });
    const wl = await startWl({ WORLDLAND_API: real.broker.endpoints.api, WORLDLAND_TOKEN: await customer.token() });
    const key = join(rented.folder, 'id');
    try {
      expect(await wl.run(['ssh-config', '--yes'])).toMatchObject({ code: 0 });
      const config = join(wl.home, '.ssh', 'config');
      const options = ['-F', config, '-i', key, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'];
      expect(await run('ssh', [...options, 'wl-train', 'hostname'])).toEqual({ code: 0, output: 'gpu\n' });
      expect(await wl.run(['ssh', 'train', '-i', key, '--', 'id', '-u'])).toMatchObject({ code: 0, stdout: '0\n' });
      expect(await wl.run(['ssh', 'train', '-i', key, '--', 'exit', '7'])).toMatchObject({ code: 7 });
      const [there, back] = [join(wl.home, 'there'), join(wl.home, 'back')];
      writeFileSync(there, 'weights');
      expect(await wl.run(['cp', '-i', key, there, 'train:/weights'])).toMatchObject({ code: 0 });
      expect(await wl.run(['cp', '-i', key, 'train:/weights', back])).toMatchObject({ code: 0 });
      expect(readFileSync(back, 'utf8')).toBe('weights');
      // Another machine answers at the address: its key is not the one that the broker told.
      const known = join(wl.home, '.ssh', 'worldland', 'known_hosts');
      const stranger = newKey();
      const other = readFileSync(join(stranger, 'id.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
      rmSync(stranger, { recursive: true });
      writeFileSync(known, readFileSync(known, 'utf8').replace(/ssh-ed25519 \S+/, other));
      const { code, output } = await run('ssh', [...options, 'wl-train', 'hostname']);
      expect([code, output]).toEqual([255, expect.stringContaining('Host key verification failed')]);
    } finally {
      wl.remove();
      await end(customer, rented);
    }
  });

  chapter('seven commands and one signature lead from nothing to a login, and to the end of the job', async () => {
    const [wl, keys] = [await startWl(), newKey()];
    const does = async (line: string, options: Parameters<typeof wl.run>[1] = {}) => {
      const done = await wl.run(line.split(' '), options);
      expect([line, done]).toEqual([line, { ...done, code: 0 }]);
      return done.stdout;
    };
    try {
      for (const [made, kept] of [
        ['id', 'id_ed25519'],
        ['id.pub', 'id_ed25519.pub'],
      ] as const)
        cpSync(join(keys, made), join(wl.home, '.ssh', kept));
      await does(`config set api ${real.broker.endpoints.api}`);
      const small = `--cpu 1 --memory 0.25 --disk 1`;
      expect(await does(`offers ${small}`)).toMatch(/RTX 4090 .* real-machine/);
      await does('login --wallet env --spend-limit 5', { env: { WALLET_PRIVATE_KEY: generatePrivateKey() } });
      const started = await does(`up 4090 --hours 1 --name first --image ${images.machine} ${small}`, {
        columns: 80,
        answers: [['[Y/n]', '\r']],
      });
      expect(started).toContain('ready');
      const options = ['-F', join(wl.home, '.ssh', 'config'), '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'];
      expect(await run('ssh', [...options, 'wl-first', 'hostname'])).toEqual({ code: 0, output: 'gpu\n' });
      expect(await does('down first')).toMatch(/^first is cancelled after /);
    } finally {
      await wl.run(['down', '--all', '-y']);
      wl.remove();
      rmSync(keys, { recursive: true });
    }
  });

  chapter('the job closes when its time is over, and its GPUs are free again', async () => {
    const customer = await real.broker.customer();
    const begun = await real.free(customer);
    const short = await rent(customer, { duration_hours: 30 / 3_600 });
    expect((await ssh(short, 'echo in')).output).toBe('in\n');
    expect(await real.free(customer)).toBe(begun - 1);
    const session = ssh(short, 'sleep 300');
    const ended = await until(
      async () => {
        const { body } = await customer.request('GET', `/api/v1/jobs/${short.job_id}`);
        return (body as Job).status === 'expired' ? (body as Job) : undefined;
      },
      { timeoutMs: 120_000, everyMs: 250 },
    );
    expect(ended.ssh_port).toBeUndefined();
    expect((await session).code).toBe(255);
    expect(await opens(short.ssh_host, short.ssh_port)).toBe(false);
    expect(await real.free(customer)).toBe(begun);
    rmSync(short.folder, { recursive: true });
  });

  chapter('the provider leaves, and the machine is as it was before', async () => {
    expect(await real.agent.stop()).toBe(0);
    await real.machine.stop();
    expect(traces()).toEqual(before);
    // Also those of an earlier run that was killed.
    expect(cgroups('worldland')).toBe('');
  });
});

/** An HTTP service at an address of this machine; answers its port. It does not keep the tests from ending. */
async function serve(host: string): Promise<number> {
  const service = createServer((_, response) => response.end('answered')).unref();
  await new Promise<void>((listening) => service.listen(0, host, listening));
  return (service.address() as AddressInfo).port;
}
