import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { roles } from '../../src/config.js';
import { order, withBenchStack } from './bench-stack.js';
import { seconds, spread, type Measurement } from './measurement.js';
import { residentMb } from './processes.js';

/**
 * A large fleet: every machine joins by the front door and every job is ordered over HTTP; then it is measured what each
 * process of the broker holds in memory, and how long each takes from a SIGKILL until it is ready again.
 */
export async function measureFleet(
  log: (line: string) => void,
  { nodes, jobs }: { nodes: number; jobs: number },
): Promise<Measurement[]> {
  return await withBenchStack(log, async (bench) => {
    const database = new pg.Client(bench.endpoints.postgres);
    await database.connect();
    const count = async (sql: string) => Number((await database.query<{ n: string }>(sql)).rows[0]!.n);
    const until = async (what: string, sql: string, wanted: number) => {
      for (let now = await count(sql); now < wanted; now = await count(sql)) {
        log(`  ${now} of ${wanted} ${what}`);
        await sleep(5_000);
      }
    };
    try {
      const joining = performance.now();
      const available = `select count(*) n from providers where status = 'available'`;
      const joined = spread(nodes, 64, async (index) => {
        // Heard once a minute, as many machines of the field are.
        const machine = bench.provider({
          providerId: `fleet-${index}`,
          cpuCores: 64,
          memoryMb: 256_000,
          diskGb: 2_000,
          heartbeatIntervalMs: 60_000,
          approvalTimeoutMs: 600_000,
        });
        await machine.joined;
      });
      await Promise.all([joined, until('machines are in service', available, nodes)]);
      const joinedMs = performance.now() - joining;

      const session = await bench.customer();
      const renting = performance.now();
      const rented = spread(jobs, 32, async (index) => {
        const key = { prefer: 'wait=60', 'idempotency-key': `fleet-${index}` };
        const reply = await session.request('POST', '/api/v1/jobs', { ...order, duration_hours: 24 }, key);
        if (reply.status >= 300) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
      });
      await Promise.all([rented, until('jobs run', `select count(*) n from jobs where status = 'running'`, jobs)]);
      const rentedMs = performance.now() - renting;

      const { pids } = bench.stack.endpoints();
      const memory = roles.map((role) => ({ role, mb: residentMb(pids[role]!) }));
      const sumMb = memory.reduce((sum, { mb }) => sum + mb, 0);
      const restarts: { role: string; ms: number }[] = [];
      for (const role of roles) {
        bench.stack.kill(role);
        const killed = performance.now();
        await sleep(100);
        await bench.stack.awaitReady(role);
        restarts.push({ role, ms: performance.now() - killed });
      }
      const slowestMs = Math.max(...restarts.map(({ ms }) => ms));
      const fleet = `${nodes} machines × 8 GPUs, ${jobs} jobs`;
      return [
        { work: `${nodes} machines join`, target: '', measured: `${(nodes / (joinedMs / 1000)).toFixed(1)} /s` },
        { work: `${jobs} jobs start on them`, target: '', measured: `${(jobs / (rentedMs / 1000)).toFixed(1)} /s` },
        {
          work: `${fleet}: memory of the broker`,
          target: '≤ 500 MB',
          measured: `${sumMb} MB: ${memory.map(({ role, mb }) => `${role} ${mb}`).join(', ')}`,
          met: sumMb <= 500,
        },
        {
          work: `${fleet}: SIGKILL to ready`,
          target: '≤ 15 s',
          measured: restarts.map(({ role, ms }) => `${role} ${seconds(ms)}`).join(', '),
          met: slowestMs <= 15_000,
        },
      ];
    } finally {
      await database.end();
    }
  });
}
