import type { Pool } from 'pg';
import { newJobId } from '../../src/api/job-id.js';
import { reserveSpend, settleSpend } from '../../src/billing/spend.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { testOrder } from './fleet.js';

export interface BilledJob {
  wallet: string;
  sessionId: string;
  providerId?: string;
  jobName?: string;
  gpuType?: string;
  startedAt: Date;
  /** Absent for a job that runs. */
  endedAt?: Date;
  /** Base units an hour. */
  rate: bigint;
  reserved?: bigint;
}

/** Adds a job that was ordered, ran and, where it ended, was charged, each by the broker's own statements. */
export async function putBilledJob(pool: Pool, job: BilledJob): Promise<{ jobId: string; spent: bigint }> {
  const { wallet, sessionId, startedAt, endedAt, rate, reserved = rate * 24n } = job;
  const jobId = newJobId();
  const spent = await withTransaction(pool, async (tx) => {
    await insertJob(tx, {
      ...testOrder({ jobId, wallet }),
      ...(job.jobName === undefined ? {} : { jobName: job.jobName }),
      ...{ sessionId, requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: reserved },
    });
    await reserveSpend(tx, { jobId, sessionId, amount: reserved });
    await tx.query(
      `update jobs set status = 'running', provider_id = $2, gpu_type = $3, rate = $4, started_at = $5,
                       expires_at = $5::timestamptz + interval '24 hours' where job_id = $1`,
      [jobId, job.providerId ?? null, job.gpuType ?? null, rate.toString(), startedAt],
    );
    if (endedAt === undefined) return 0n;
    const settled = await settleSpend(tx, { jobId, endAt: endedAt });
    await tx.query(
      `update jobs set status = 'cancelled', ended_at = $2, served_until = $2, billed_ms = $3 where job_id = $1`,
      [jobId, endedAt, settled!.billed.billedMs],
    );
    return settled!.charged;
  });
  return { jobId, spent };
}
