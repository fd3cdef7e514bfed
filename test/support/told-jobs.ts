import type { Pool } from 'pg';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { tellOrdered } from '../../src/db/job-events.js';
import { insertJob } from '../../src/db/jobs.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import { orderedNews } from '../../src/domain/job-event.js';
import type { JobOrder } from '../../src/domain/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { testOrder } from './fleet.js';
import { receiptSite } from './receipts.js';

const token = 10n ** 18n;
const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
const hourMs = 3_600_000;

export type JobSteps = ReturnType<typeof jobSteps>;

/** The steps of a job's workflow, by the activities that take them. Each may be repeated. */
export function jobSteps(pool: Pool) {
  const records = createJobRecordActivities({
    pool,
    logger: pino({ level: 'silent' }),
    config: {
      ...withoutPrices,
      FEE_BPS: 0,
      ...receiptSite,
      PROVIDER_OUT_WALLETS: 1,
      PROVIDER_OUT_S: 600,
      CLUSTER_NODE_PORTS: 12_768,
    },
  });
  return {
    place: (order: JobOrder) => records.placeJob(order),
    run: (order: JobOrder, startedMs = Date.now()) =>
      records.recordRunning(order, {
        ...{ ssh, podUid: 'uid-1' },
        ...{ startedAt: instantAt(startedMs), expiresAt: instantAt(startedMs + order.durationSeconds * 1_000) },
      }),
    extend: (order: JobOrder) =>
      records.recordExtension({ order, requestId: 'more', seconds: 3_600, maxDurationS: 100 * 3_600 }),
    leave: ({ jobId }: JobOrder, sinceMs = Date.now()) =>
      records.recordService({
        ...{ jobId, message: sentence('the provider has not been heard'), awaySince: instantAt(sinceMs), gaps: [] },
      }),
    comeBack: ({ jobId }: JobOrder, fromMs = Date.now() - 10_000, toMs = fromMs + 5_000) =>
      records.recordService({
        ...{ jobId, message: '', gaps: [{ from: instantAt(fromMs), to: instantAt(toMs), cause: 'silent' }] },
      }),
    ending: ({ jobId }: JobOrder) => records.recordEnding(jobId, sentence('you ended it')),
    end: (order: JobOrder, endMs = Date.now(), lastSeen?: Date) =>
      records.releaseJob(order, {
        ...(lastSeen === undefined ? {} : { lastSeen: instantAt(lastSeen.getTime()) }),
        ...{ status: 'cancelled', message: sentence('you ended it'), endedBy: 'you', endAt: instantAt(endMs) },
      }),
  } as const;
}

/** The steps of a life, in order. */
export const wholeLife = ['place', 'run', 'extend', 'leave', 'comeBack', 'ending', 'end'] as const;

export const kindsOfLife = [
  'ordered',
  'placed',
  'ssh_ready',
  'extended',
  'provider_away',
  'provider_back',
  'ending',
  'ended',
];

/** Orders a job as the API does. */
export async function orderJob(pool: Pool, sessionId: string, changes: Partial<JobOrder> = {}): Promise<JobOrder> {
  const order = testOrder({ durationSeconds: hourMs / 1_000, ...changes });
  await withTransaction(pool, async (tx) => {
    const rest = { requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: token };
    await insertJob(tx, { ...order, ...rest, sessionId });
    await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: token });
    await tellOrdered(tx, order.jobId, orderedNews(order));
  });
  return order;
}
