/**
 * How many heartbeats a second one relay drains: `tsx test/bench/heartbeats.ts [beats] [providers,providers,…]`.
 *
 * A backlog of unsigned beats is written first; then a relay, as a process of its own, drains it. Redis, Postgres and
 * the relay share this machine. The engines are those of BROKER_TEST_ENDPOINTS, or are started for the occasion.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { Redis } from 'ioredis';
import { createPool } from '../../src/db/pool.js';
import { startStack } from '../../src/engines/stack.js';
import { createLogger } from '../../src/observability/logger.js';
import { startRelay } from '../../src/redis/relay/relay.js';
import { groupFigures } from '../../src/redis/streams/group.js';
import { brokerGroup, streams } from '../../src/redis/stream-names.js';
import { testConfig } from '../support/config.js';
import { freshDatabase } from '../support/database.js';
import { endpoints, endpointsVariable } from '../support/engines.js';
import { freshRedis } from '../support/redis.js';

interface Order {
  database: string;
  redisDb: number;
}

if (process.send === undefined) await main();
else process.once('message', (order: Order) => runRelay(order));

/** The relay's process. */
function runRelay({ database, redisDb }: Order): void {
  const config = testConfig({ POSTGRES_DB: database });
  startRelay({
    config,
    pool: createPool(config),
    // Heartbeats never reach Temporal.
    temporal: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    logger: createLogger({ LOG_LEVEL: 'warn' }, 'relay'),
    verifier: { acceptsAll: true, verify: () => Promise.resolve({ accepted: true, signed: false }) },
    redisDb,
  });
}

async function main(): Promise<void> {
  const beats = Number(process.argv[2] ?? 600_000);
  const fleets = (process.argv[3] ?? '1000,10000').split(',').map(Number);
  const stop = await engines();
  try {
    const rows = [];
    for (const providers of fleets) rows.push(await drain(beats, providers));
    console.log(`${cpus().length} cores; CPU seconds for ${beats} beats`);
    console.table(rows);
  } finally {
    await stop();
  }
}

async function engines(): Promise<() => Promise<void>> {
  if (process.env[endpointsVariable] !== undefined) return () => Promise.resolve();
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-bench-'));
  const stack = await startStack({ dataDir, engines: ['postgres', 'redis'], log: console.error });
  process.env[endpointsVariable] = join(dataDir, 'endpoints.json');
  return async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}

async function drain(beats: number, providers: number) {
  const database = await freshDatabase();
  const redis = await freshRedis();
  const relay = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    await database.pool.query(
      `insert into providers (provider_id, wallet_addr, spec, capacity, offer, joined_at)
       select 'provider-' || i, '0x' || repeat('0', 40), '{}', '{}', '{}', now() from generate_series(0, $1::int - 1) i`,
      [providers],
    );
    await database.pool.query('insert into provider_heartbeats (provider_id) select provider_id from providers');
    await redis.redis.xgroup('CREATE', streams.heartbeat, brokerGroup, '0', 'MKSTREAM');
    const newest = await publish(redis.redis, beats, providers);

    const pids = {
      relay: [relay.pid!],
      redis: [endpoints().pids['redis']!],
      postgres: family(endpoints().pids['postgres']!),
    };
    // Its modules are loaded by now; what it still has to do is what any relay does at its start.
    const before = cpuOf(pids);
    const begun = performance.now();
    relay.send({ database: database.config.POSTGRES_DB, redisDb: redis.db } satisfies Order);
    for (;;) {
      const { lag, pending } = await groupFigures(redis.redis, { key: streams.heartbeat, group: brokerGroup });
      if (lag === 0 && pending === 0) break;
      await sleep(20);
    }
    const seconds = (performance.now() - begun) / 1000;
    const after = cpuOf({ ...pids, postgres: family(endpoints().pids['postgres']!) });
    const { rows } = await database.pool.query<{ heard: number; late: number }>(
      `select count(last_heartbeat)::int as heard, count(*) filter (where last_heartbeat < $1)::int as late
         from provider_heartbeats`,
      [newest],
    );
    if (rows[0]!.heard !== providers || rows[0]!.late > 0)
      throw new Error(`not every beat counted: ${JSON.stringify(rows[0])}`);
    const used = (name: keyof typeof pids) => Number((after[name] - before[name]).toFixed(2));
    return {
      providers,
      'beats/s': Math.round(beats / seconds),
      seconds: Number(seconds.toFixed(2)),
      'relay CPU s': used('relay'),
      'redis CPU s': used('redis'),
      'postgres CPU s': used('postgres'),
    };
  } finally {
    relay.kill('SIGKILL');
    await redis.close();
    await database.close();
  }
}

/** Writes the backlog, provider after provider in turn. @returns when the newest beat of the first provider was written. */
async function publish(redis: Redis, beats: number, providers: number): Promise<Date> {
  const idle = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let from = 0; from < beats; from += 5_000) {
    const pipeline = redis.pipeline();
    for (let beat = from; beat < Math.min(from + 5_000, beats); beat++) {
      const id = `provider-${beat % providers}`;
      const timestamp = new Date().toISOString();
      const message = {
        provider_id: id,
        node_name: id,
        status: 'available',
        gpu_usage: idle,
        cpu_usage: 12.5,
        memory_usage: 40.2,
      };
      pipeline.xadd(
        streams.heartbeat,
        '*',
        'data',
        JSON.stringify({ ...message, active_jobs: 0, timestamp }),
        'timestamp',
        timestamp,
      );
    }
    await pipeline.exec();
  }
  const lastRound = await redis.xrevrange(streams.heartbeat, '+', '-', 'COUNT', providers);
  return new Date(Number(lastRound.at(-1)![0].split('-')[0]));
}

/** A process and its children: Postgres has one for each connection. */
function family(pid: number): number[] {
  const children = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && statOf(Number(name))?.[1] === String(pid),
  );
  return [pid, ...children.map(Number)];
}

/** CPU seconds of each group; a child that has ended is counted with its parent. */
function cpuOf<Name extends string>(groups: Record<Name, number[]>): Record<Name, number> {
  const ticksPerSecond = 100;
  const sum = (pids: number[]) =>
    pids.reduce((total, pid, index) => {
      const stat = statOf(pid) ?? [];
      const [utime, stime, cutime, cstime] = stat.slice(11, 15).map(Number) as [number, number, number, number];
      return total + ((utime ?? 0) + (stime ?? 0) + (index === 0 ? (cutime ?? 0) + (cstime ?? 0) : 0)) / ticksPerSecond;
    }, 0);
  return Object.fromEntries(Object.entries<number[]>(groups).map(([name, pids]) => [name, sum(pids)])) as Record<
    Name,
    number
  >;
}

/** The fields of /proc/PID/stat after the name of the program; the parent is the second. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
