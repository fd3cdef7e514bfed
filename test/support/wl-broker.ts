import type { Pool } from 'pg';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { pino } from 'pino';
import type { JobCommands } from '../../src/api/job-commands.js';
import type { VaultCommands } from '../../src/api/vault-commands.js';
import { withoutPrices } from '../../src/db/offers.js';
import type { JobOrder } from '../../src/domain/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { startApi, type Api } from './api.js';
import { freePort } from './free-port.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { freshRedis, type TestRedis } from './redis.js';
import { receiptSite } from './receipts.js';

type FailureReason = 'image_pull_failed' | 'no_capacity' | 'container_exited';

/** An API whose jobs are started and ended by the test, as workflows do it, in the database. */
export interface WlBroker {
  api: Api;
  database: TestDatabase;
  /** Whether an order runs at once. Else the test starts it. */
  startsAtOnce: boolean;
  ordered: JobOrder[];
  start(order: JobOrder): Promise<void>;
  fail(order: JobOrder, reason: FailureReason, message: string, exitCode?: number): Promise<void>;
  end(order: JobOrder): Promise<void>;
  stop(): Promise<void>;
}

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFLxGLQQYgGY5FkHKDPRMfHCGhzwbSbl0S8sbs3l7C2M';

export async function startWlBroker(
  env: Record<string, string> = {},
  {
    database: given,
    vault,
  }: {
    /** What a test has made already. */
    database?: TestDatabase;
    vault?: VaultCommands;
  } = {},
): Promise<WlBroker> {
  const [database, redis, port]: [TestDatabase, TestRedis, number] = await Promise.all([
    given ?? freshDatabase(),
    freshRedis(),
    freePort(),
  ]);
  const { pool } = database;
  const steps = stepsOf(pool, `http://127.0.0.1:${port}`);
  const broker: Omit<WlBroker, 'api'> = {
    ...{ database, startsAtOnce: true, ordered: [] },
    start: steps.start,
    fail: steps.fail,
    end: steps.end,
    stop: async () => {
      await api.stop();
      await Promise.all([database.close(), redis.close()]);
    },
  };
  const orderOf = (jobId: string) => broker.ordered.find((each) => each.jobId === jobId);
  const jobs: JobCommands = {
    async startAndWait(order) {
      broker.ordered.push(order);
      if (broker.startsAtOnce) await steps.start(order);
      return 'still_starting';
    },
    async cancel(jobId) {
      const order = orderOf(jobId);
      if (order === undefined) return 'no_workflow';
      await steps.end(order);
      return 'already_ended';
    },
    async extend(jobId, requestId, seconds) {
      await steps.extend(orderOf(jobId)!, requestId, seconds);
      return { expiresAt: new Date().toISOString() };
    },
  };
  const api = await startApi({
    ...{ database, redis },
    env: { PROXY_PORT: String(port), AUTH_AUDIENCE: `http://127.0.0.1:${port}`, TOKEN_SYMBOL: 'WLC', ...env },
    commands: { jobs, ...(vault === undefined ? {} : { vault }) },
  });
  return Object.assign(broker, { api });
}

/** The steps of a job's workflow. */
function stepsOf(pool: Pool, origin: string) {
  const records = createJobRecordActivities({
    pool,
    logger: pino({ level: 'silent' }),
    config: {
      ...withoutPrices,
      FEE_BPS: 0,
      ...receiptSite,
      AUTH_AUDIENCE: origin,
      PROVIDER_OUT_WALLETS: 1_000,
      PROVIDER_OUT_S: 600,
      CLUSTER_NODE_PORTS: 12_768,
    },
  });
  const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey } as const;
  return {
    async start(order: JobOrder) {
      await records.placeJob(order);
      const startedMs = Date.now();
      const opened = order.ports?.map(({ port }, at) => ({ port, nodePort: 31_000 + at }));
      await records.recordRunning(order, {
        ...{ ssh: { ...ssh, ...(opened === undefined ? {} : { opened }) }, podUid: 'uid-1' },
        ...{ startedAt: instantAt(startedMs), expiresAt: instantAt(startedMs + order.durationSeconds * 1_000) },
      });
    },
    async fail(order: JobOrder, reason: FailureReason, message: string, exitCode?: number) {
      await records.releaseJob(order, {
        ...{ status: 'failed', message: sentence(message), endAt: instantAt(Date.now()) },
        failure: { reason, message: sentence(message) },
        ...(exitCode === undefined ? {} : { exitCode }),
      });
    },
    extend: (order: JobOrder, requestId: string, seconds: number) =>
      records.recordExtension({ order, requestId, seconds, maxDurationS: 100 * 3_600 }),
    async end(order: JobOrder) {
      await records.releaseJob(order, {
        ...{ status: 'cancelled', message: sentence('you ended it'), endedBy: 'you', endAt: instantAt(Date.now()) },
      });
    },
  };
}
