import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { JobCommands } from '../../src/api/job-commands.js';
import { extendJob, settleSpend } from '../../src/billing/spend.js';
import { markEnded, markProvisioning, markRunning } from '../../src/db/job-changes.js';
import { withTransaction } from '../../src/db/pool.js';
import type { Printable } from '../../src/domain/outside.js';

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

/** Commands that change the rows of a job as its workflow would, without a machine. */
export function jobsThatRun(pool: Pool, providerId: string): JobCommands {
  return {
    async startAndWait({ jobId, durationSeconds }) {
      const startedAt = new Date();
      const provider = { providerId, nodeName: providerId };
      await markProvisioning(pool, jobId, { ...provider, pricePerHour: 1, rate: `${10n ** 18n}` });
      await markRunning(pool, jobId, {
        ssh: { host: '203.0.113.7', port: 30_022, user: 'root', hostKey },
        podUid: randomUUID(),
        startedAt,
        expiresAt: new Date(startedAt.getTime() + durationSeconds * 1000),
      });
      return 'still_starting';
    },
    async cancel(jobId) {
      await withTransaction(pool, async (tx) => {
        await settleSpend(tx, { jobId, endAt: new Date() });
        await markEnded(tx, jobId, { status: 'cancelled', message: 'cancelled' as Printable });
      });
      return 'already_ended';
    },
    async extend(jobId, requestId, seconds, sessionId) {
      const extension = { jobId, requestId, seconds, sessionId, maxDurationS: 30 * 86_400 };
      const expiresAt = await withTransaction(pool, (tx) => extendJob(tx, extension));
      return { expiresAt: expiresAt.toISOString() };
    },
  };
}
