import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { order, withBenchStack, type BenchStack } from './bench-stack.js';
import { seconds, spread, type Measurement } from './measurement.js';
import { residentMb } from './processes.js';

/** The customers that share the jobs. */
const customers = 50;

/**
 * A large fleet, served by one process with all roles: every machine registers, every job is ordered over HTTP; then it
 * measures the memory of the process, and the time from a SIGKILL until it is ready again.
 */
export async function measureFleet(
  log: (line: string) => void,
  { nodes, jobs }: { nodes: number; jobs: number },
): Promise<Measurement[]> {
  const measure = async (bench: BenchStack): Promise<Measurement[]> => {
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
        // One heartbeat a minute, as many machines in the field send.
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

      const sessions = await Promise.all(Array.from({ length: customers }, () => bench.customer()));
      const renting = performance.now();
      const rented = spread(jobs, 48, async (index) => {
        const key = { prefer: 'wait=60', 'idempotency-key': `fleet-${index}` };
        const session = sessions[index % customers]!;
        const reply = await session.request('POST', '/api/v1/jobs', { ...order, duration_hours: 24 }, key);
        if (reply.status >= 300) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
      });
      await Promise.all([rented, until('jobs run', `select count(*) n from jobs where status = 'running'`, jobs)]);
      const rentedMs = performance.now() - renting;

      const residentAtFullMb = residentMb(bench.stack.endpoints().pids['broker']!);
      bench.stack.kill('broker');
      const killed = performance.now();
      // Do not ask the process that was killed.
      await sleep(100);
      await bench.stack.awaitReady('broker');
      const restartMs = performance.now() - killed;
      const fleet = `${nodes} machines × 8 GPUs, ${jobs} jobs of ${customers} customers`;
      return [
        { work: `${nodes} machines join`, target: '', measured: `${(nodes / (joinedMs / 1000)).toFixed(1)} /s` },
        { work: `${jobs} jobs start on them`, target: '', measured: `${(jobs / (rentedMs / 1000)).toFixed(1)} /s` },
        {
          work: `${fleet}: memory of the broker, all roles in one process`,
          target: '≤ 500 MB',
          measured: `${residentAtFullMb} MB`,
          met: residentAtFullMb <= 500,
        },
        {
          work: `${fleet}: SIGKILL of the broker to ready`,
          target: '≤ 15 s',
          measured: seconds(restartMs),
          met: restartMs <= 15_000,
        },
      ];
    } finally {
      await database.end();
    }
  };
  return await withBenchStack(log, measure, { processes: ['broker'] });
}
