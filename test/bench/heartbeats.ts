import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startStack } from '../../engines/stack.js';
import { bareEntry, heartbeatMessage, type SealEntry } from '../../engines/simulated-provider/messages.js';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { groupFigures } from '../../src/redis/streams/group.js';
import { brokerGroup, streams } from '../../src/wire/streams.js';
import { freshDatabase } from '../support/database.js';
import { endpoints, endpointsVariable } from '../support/engines.js';
import { testConfig } from '../support/config.js';
import { freshRedis } from '../support/redis.js';
import type { RelayOrder } from './heartbeats-relay.js';
import type { Measure, Measurement } from './measurement.js';
import { cpuSeconds, family } from './processes.js';

const beats = Number(process.env['BENCH_BEATS'] ?? 600_000);
const fleets = [1_000, 10_000];
const signingProviders = 8_000;
const nodeKey = privateKeyToAccount(generatePrivateKey());
const relayProgram = fileURLToPath(new URL('heartbeats-relay.ts', import.meta.url));

/**
 * How many heartbeats a second one relay drains: it writes a backlog of heartbeats, which a relay in a separate process
 * then drains; unsigned ones, then one signed by each provider. Redis, Postgres and the relay share this machine.
 */
export const measureHeartbeats: Measure = async (log) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-bench-'));
  const before = process.env[endpointsVariable];
  const stack = await startStack({ dataDir, isTemporary: true, engines: ['postgres', 'redis'], log });
  process.env[endpointsVariable] = join(dataDir, 'endpoints.json');
  try {
    const rows: Measurement[] = [];
    for (const providers of fleets) rows.push(unsigned(await drain({ providers, beats }), providers));
    rows.push(...(await drainSigned()));
    return rows;
  } finally {
    if (before === undefined) delete process.env[endpointsVariable];
    else process.env[endpointsVariable] = before;
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
};

function unsigned({ perSecond, used }: Drained, providers: number): Measurement {
  return {
    work: `heartbeats drained by one relay, ${providers.toLocaleString('en')} providers`,
    target: '≥ 50,000 /s',
    measured: `${perSecond.toLocaleString('en')} /s; processor for ${beats.toLocaleString('en')}: ${used}`,
    met: perSecond >= 50_000,
  };
}

/** Both ways to recover signers, one after the other. */
async function drainSigned(): Promise<Measurement[]> {
  const backlog = { providers: signingProviders, beats: signingProviders };
  const slow = await drain({ ...backlog, recover: 'with viem' });
  const fast = await drain({ ...backlog, recover: 'as on this machine' });
  const work = `signed heartbeats drained by one relay, ${signingProviders.toLocaleString('en')} providers`;
  return [
    {
      work: `${work}, recovered in JavaScript`,
      target: '',
      measured: `${slow.perSecond.toLocaleString('en')} /s; ${slow.used}`,
    },
    {
      work: `${work}, recovered as on this machine`,
      target: '≥ 2,000 /s',
      measured: `${fast.perSecond.toLocaleString('en')} /s, ratio ${(fast.perSecond / slow.perSecond).toFixed(1)}; ${fast.used}`,
      met: fast.perSecond >= 2_000,
    },
  ];
}

interface Backlog {
  providers: number;
  beats: number;
  /** Given for signed heartbeats. */
  recover?: RelayOrder['recover'];
}

interface Drained {
  perSecond: number;
  /** The processor’s time that each program took, for people. */
  used: string;
}

async function drain({ providers, beats, recover }: Backlog): Promise<Drained> {
  const database = await freshDatabase();
  const redis = await freshRedis();
  const relay = fork(relayProgram, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const signed = () => providerSigner({ nodeKey, audience: testConfig().AUTH_AUDIENCE });
    await putProviders(database.pool, providers);
    await redis.redis.xgroup('CREATE', streams.heartbeat, brokerGroup, '0', 'MKSTREAM');
    const newest = await publish(redis.redis, { providers, beats, seal: recover === undefined ? bareEntry : signed() });

    // Its modules are loaded; what remains is the start of any relay.
    const before = cpuOf(relay.pid!);
    const began = performance.now();
    const order: RelayOrder = { database: database.config.POSTGRES_DB, redisDb: redis.db };
    relay.send(recover === undefined ? order : { ...order, recover });
    for (;;) {
      const { lag, pending } = await groupFigures(redis.redis, { key: streams.heartbeat, group: brokerGroup });
      if (lag === 0 && pending === 0) break;
      await sleep(20);
    }
    const perSecond = Math.round(beats / ((performance.now() - began) / 1000));
    const after = cpuOf(relay.pid!);
    const { rows } = await database.pool.query<{ heard: number; late: number }>(
      `select count(last_heartbeat)::int as heard, count(*) filter (where last_heartbeat < $1)::int as late
         from provider_heartbeats`,
      [newest],
    );
    if (rows[0]!.heard !== providers || rows[0]!.late > 0)
      throw new Error(`not every beat counted: ${JSON.stringify(rows[0])}`);
    const used = after.map(({ name, cpuS }, index) => `${name} ${(cpuS - before[index]!.cpuS).toFixed(1)} s`);
    return { perSecond, used: used.join(', ') };
  } finally {
    relay.kill('SIGKILL');
    await redis.close();
    await database.close();
  }
}

/** Registered machines, with the node key that signs for all of them. */
async function putProviders(pool: Pool, providers: number): Promise<void> {
  await pool.query(
    `insert into providers (provider_id, wallet_addr, spec, capacity, offer, joined_at)
     select 'provider-' || i, '0x' || repeat('0', 40), '{}', '{}', '{}', now() from generate_series(0, $1::int - 1) i`,
    [providers],
  );
  await pool.query('insert into provider_heartbeats (provider_id) select provider_id from providers');
  await pool.query(
    `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id,
                                      spec_hash, issued_at, expires_at, bound_at)
     select provider_id, wallet_addr, $1, '{}', '', 1, '0x' || repeat('0', 64), now(), now() + interval '1 day', now()
       from providers`,
    [nodeKey.address.toLowerCase()],
  );
}

/** Writes the backlog, provider after provider in turn. @returns when it wrote the newest heartbeat of the first provider. */
async function publish(redis: Redis, { providers, beats, seal }: Backlog & { seal: SealEntry }): Promise<Date> {
  const machine = (providerId: string) => ({
    providerId,
    wallet: '',
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 8 },
    ...{ cpuCores: 64, memoryMb: 256_000, diskGb: 2_000, gpuPricePerHour: 0.4, address: '127.0.0.1' },
  });
  for (let from = 0; from < beats; from += 5_000) {
    const pipeline = redis.pipeline();
    for (let beat = from; beat < Math.min(from + 5_000, beats); beat++) {
      const id = `provider-${beat % providers}`;
      const data = JSON.stringify(heartbeatMessage(machine(id), id));
      const fields = await seal(streams.heartbeat, data);
      pipeline.xadd(streams.heartbeat, '*', ...Object.entries(fields).flat());
    }
    await pipeline.exec();
  }
  const lastRound = await redis.xrevrange(streams.heartbeat, '+', '-', 'COUNT', providers);
  return new Date(Number(lastRound.at(-1)![0].split('-')[0]));
}

function cpuOf(relay: number): { name: string; cpuS: number }[] {
  const { pids } = endpoints();
  return [
    { name: 'relay', cpuS: cpuSeconds([relay]) },
    { name: 'Redis', cpuS: cpuSeconds([pids['redis']!]) },
    { name: 'Postgres', cpuS: cpuSeconds(family(pids['postgres']!)) },
  ];
}
