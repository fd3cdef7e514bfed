import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { missingForRealNode } from '../../engines/real-node/requirements.js';
import { findOnPath } from '../../engines/tools/tool.js';
import { end, rent, ssh, type Rented } from '../support/customer.js';
import { describeUnless, testUnless } from '../support/needs.js';
import { offerRealMachine, type RealMachine } from '../support/real-machine.js';
import { startRegistry, type Registry } from '../support/registry.js';
import { borrowed, smallLinux } from '../support/small-linux.js';

const missing = missingForRealNode() ?? (findOnPath('ssh', process.env) === undefined ? 'the program ssh' : undefined);

const setcap = findOnPath('setcap', process.env);
const hasCgroupV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
const registryName = 'hub.example.com';
const image = `${registryName}/me/app:dev`;

let real: RealMachine;
let registry: Registry;
let customer: Session;
let mine: Rented;

/** A small Linux that says which version of the customer's program it holds. */
const app = (version: string) =>
  smallLinux({
    entries: [
      ...(setcap === undefined ? [] : borrowed(setcap)),
      { path: 'etc/version', content: Buffer.from(`${version}\n`) },
    ],
  });

const wanted = {
  ...{ cpu_cores: 2, memory_gb: '512Mi', shm_gb: '128Mi' },
  env: {
    http_proxy: 'http://lower',
    HTTP_PROXY: 'http://upper',
    MKL_NUM_THREADS: '1',
    NVIDIA_DRIVER_CAPABILITIES: 'compute,video',
  },
};

const say = async (command: string) => (await ssh(mine, command)).output;
const order = async (changes: object) =>
  await rent(customer, { image, ...changes }).catch(async (error: Error) => {
    throw new Error(`${error.message}${await real.podsOf(customer)}`);
  });

describeUnless(missing)('what is rented', () => {
  beforeAll(async () => {
    real = await offerRealMachine();
    registry = await startRegistry(real.machine.gateway);
    real.machine.useRegistry(registryName, registry.url);
    registry.push('me/app', 'dev', await app('first'));
    customer = await real.broker.customer();
    await real.offerGpus(await real.joined(), customer);
    mine = await order(wanted);
  }, 1_800_000);

  afterAll(async () => {
    registry?.close();
    await real?.remove();
    if (mine !== undefined) rmSync(mine.folder, { recursive: true, force: true });
  }, 120_000);

  test('a rented machine has as much shared memory as was ordered, and no more', async () => {
    expect(await say('df -m /dev/shm | tail -1')).toMatch(/^tmpfs\s+128\s/);
    expect(await say('dd if=/dev/zero of=/dev/shm/fits bs=1M count=100 2>/dev/null && ls -s /dev/shm/fits')).toMatch(
      /^\s*102400 /,
    );
    expect(await say('dd if=/dev/zero of=/dev/shm/too-much bs=1M count=100; rm -f /dev/shm/*')).toContain(
      'No space left',
    );
  });

  test('every session on a rented machine has its variables, where the customer’s own values win', async () => {
    const variables = (await say('env')).split('\n');
    expect(variables).toEqual(
      expect.arrayContaining([
        ...['WORLDLAND_GPU_COUNT=1', 'WORLDLAND_GPU_TYPE=rtx-4090', 'WORLDLAND_CPU_CORES=2', 'WORLDLAND_MEMORY_MB=512'],
        ...['WORLDLAND_SHM_MB=128', 'WORLDLAND_STORAGE_GB=1', 'OMP_NUM_THREADS=2', 'MKL_NUM_THREADS=1'],
        ...['http_proxy=http://lower', 'HTTP_PROXY=http://upper', 'NVIDIA_DRIVER_CAPABILITIES=compute,video'],
      ]),
    );
  });

  test('root on a rented machine can chroot and listen below 1024, and cannot make devices', async () => {
    expect(await say('chroot / /bin/echo inside')).toBe('inside\n');
    expect(await say('timeout 2 nc -l -p 80; echo $?')).toMatch(/^(?:143|124)$/m);
    expect(await say('mknod /tmp/null c 1 3')).toContain('Operation not permitted');
  });

  testUnless(setcap === undefined ? 'the program setcap' : undefined)(
    'root on a rented machine can give a file capabilities, as packages do',
    async () => {
      expect(await say(`cp /bin/busybox /tmp/ping && ${setcap!} cap_net_bind_service+ep /tmp/ping && echo done`)).toBe(
        'done\n',
      );
    },
  );

  test('a rented machine looks up names of the internet as they are', async () => {
    expect(await say('cat /etc/resolv.conf')).toMatch(/^options ndots:1$/m);
  });

  test('the kubelet of a rented machine ends only the one process that ran out of memory', () => {
    const configuration = readFileSync(join(real.machine.files, 'var/lib/kubelet/config.yaml'), 'utf8');
    expect(configuration).toMatch(/^singleProcessOOMKill: true$/m);
  });

  test('a job goes on when one process runs out of memory', async () => {
    if (!hasCgroupV2) console.warn('cgroup v1: the kernel ends one process here, whatever the kubelet says');
    // dd fills a buffer of one block, which is more than the job has.
    expect(await say('dd if=/dev/zero of=/dev/null bs=1024M count=1; echo ended with $?; echo on')).toMatch(
      /ended with 137\non\n/,
    );
    expect(await say('echo still here')).toBe('still here\n');
    const { body } = await customer.request('GET', `/api/v1/jobs/${mine.job_id}`);
    expect(body).toMatchObject({ status: 'running', shm_gb: 0.125 });
  });

  test('a job runs the image that was pushed last under the ordered tag', async () => {
    expect(await say('cat /etc/version')).toBe('first\n');
    registry.push('me/app', 'dev', await app('second'));
    await end(customer, mine);
    mine = await order({});
    expect(await say('cat /etc/version')).toBe('second\n');
    expect(await say('df -m /dev/shm | tail -1')).toMatch(/^tmpfs\s+128\s/);
    await end(customer, mine);
    mine = await order(wanted);
  }, 120_000);
});
