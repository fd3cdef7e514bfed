/**
 * A large fleet: `npm run bench:fleet -- [--nodes 1000] [--jobs 5000]`. Every machine joins by the front door and every
 * job is ordered over HTTP; then it is measured what each process of the broker holds in memory, how long a restart of
 * each role takes until it is ready, and how long the fleet's figures take to read. Takes some minutes.
 */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { login } from '../../src/auth/client.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../src/engines/simulated-provider/provider.js';
import { printTable, residentMb, spread, withBenchStack } from './bench-stack.js';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1000' }, jobs: { type: 'string', default: '5000' } },
});
const nodes = Number(values.nodes);
const jobs = Number(values.jobs);
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl bench';
const order = { gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 24, ssh_public_keys: [key] };
const roles = ['api', 'worker', 'relay', 'watcher'];
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

await withBenchStack({ PROVIDER_AUTH_MODE: 'off' }, async (stack) => {
  const { api, redis, postgres } = stack.endpoints();
  const database = new pg.Client(postgres);
  await database.connect();
  const count = async (sql: string) => Number((await database.query<{ n: string }>(sql)).rows[0]!.n);
  const until = async (sql: string, wanted: number) => {
    for (let now = await count(sql); now < wanted; now = await count(sql)) {
      console.error(`  ${now} of ${wanted}`);
      await sleep(5_000);
    }
  };

  const joining = performance.now();
  const providers: SimulatedProvider[] = [];
  await spread(nodes, 100, async (index) => {
    const provider = startSimulatedProvider({
      redisUrl: redis!,
      providerId: `fleet-${index}`,
      gpus: { model: 'NVIDIA GeForce RTX 4090', count: 8 },
      cpuCores: 64,
      memoryMb: 256_000,
      diskGb: 2_000,
      approvalTimeoutMs: 600_000,
    });
    providers.push(provider);
    await provider.joined;
  });
  await until(`select count(*) n from providers where status = 'available'`, nodes);
  const joinedMs = performance.now() - joining;

  const session = await login({
    api: api!,
    account: privateKeyToAccount(generatePrivateKey()),
    spendLimit: 10n ** 26n,
  });
  const renting = performance.now();
  await spread(jobs, 64, async (index) => {
    const reply = await session.request('POST', '/api/v1/jobs', order, {
      prefer: 'wait=60',
      'idempotency-key': `fleet-${index}`,
    });
    if (reply.status >= 300) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
  });
  await until(`select count(*) n from jobs where status = 'running'`, jobs);
  const rentedMs = performance.now() - renting;

  const rows: (string | number)[][] = [
    [`${nodes} machines joined`, seconds(joinedMs), `${(nodes / (joinedMs / 1000)).toFixed(1)} /s`],
    [`${jobs} jobs running`, seconds(rentedMs), `${(jobs / (rentedMs / 1000)).toFixed(1)} /s`],
  ];
  const { pids } = stack.endpoints();
  let sumMb = 0;
  for (const role of roles) {
    const mb = residentMb(pids[role]!);
    sumMb += mb;
    rows.push([`memory of ${role}`, `${mb} MB`, '']);
  }
  rows.push(['memory of all roles', `${sumMb} MB`, '']);
  for (const path of ['/api/v1/providers?limit=100', '/api/v1/providers/gpu-availability']) {
    const reading = performance.now();
    await fetch(`${api!}${path}`).then((response) => response.text());
    rows.push([`GET ${path}, not cached`, `${Math.round(performance.now() - reading)} ms`, '']);
  }
  for (const role of roles) {
    stack.kill(role);
    const restarting = performance.now();
    await sleep(100);
    await stack.awaitReady(role);
    rows.push([`SIGKILL of ${role} to ready`, seconds(performance.now() - restarting), '']);
  }
  printTable(['fleet', 'figure', 'rate'], rows);
  await database.end();
  await Promise.all(providers.map((provider) => provider.stop()));
});
