import type { Pool } from 'pg';
import type { JobCommands } from '../../src/api/job-commands.js';
import type { ProviderCommands } from '../../src/api/provider-commands.js';
import { cordon, drain, uncordon } from '../../src/db/provider-operations.js';
import { BrokerError } from '../../src/domain/errors.js';
import { isFinal, type JobOrder, type SshAccess } from '../../src/domain/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { jobRecords } from '../support/job-records.js';
import { isErrorCode } from '../../src/wire/error-codes.js';

const ssh: SshAccess = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' };
const maxDurationS = 30 * 86_400;

/**
 * Writes what workflows would write, without workflows: a job runs at once if there is room, is charged, and ends, so that
 * a chain of requests finds the results of its earlier requests.
 */
export function recordedCommands(pool: Pool): { jobs: JobCommands; providers: ProviderCommands } {
  const records = jobRecords(pool);
  const orders = new Map<string, JobOrder>();
  const statusOf = async (jobId: string) => {
    const { rows } = await pool.query<{ status: 'running' }>('select status from jobs where job_id = $1', [jobId]);
    return rows[0]!.status;
  };
  const close = (order: JobOrder, status: 'cancelled' | 'failed', failure?: BrokerError) =>
    records.releaseJob(order, {
      status,
      message: sentence('it is over'),
      endAt: instantAt(Date.now()),
      ...(failure === undefined ? {} : { failure: { reason: failure.code, message: sentence(failure.detail) } }),
    });

  const jobs: JobCommands = {
    async startAndWait(order) {
      orders.set(order.jobId, order);
      try {
        await records.placeJob(order);
      } catch (error) {
        if (!(error instanceof BrokerError) || !isErrorCode(error.code) || error.code === 'allocation_released')
          throw error;
        await close(order, 'failed', error);
        return { status: 'failed' };
      }
      const [startedAt, expiresAt] = [Date.now(), Date.now() + order.durationSeconds * 1_000].map(instantAt);
      await records.recordRunning(order, { ssh, podUid: 'uid', startedAt: startedAt!, expiresAt: expiresAt! });
      return { status: 'running' };
    },
    async cancel(jobId) {
      const order = orders.get(jobId);
      if (order === undefined) return 'no_workflow';
      if (isFinal(await statusOf(jobId))) return 'already_ended';
      await close(order, 'cancelled');
      return { status: 'cancelled' };
    },
    async extend(jobId, requestId, seconds, sessionId) {
      const order = orders.get(jobId);
      if (order === undefined) throw new BrokerError('job_not_running', 'it has not started');
      return await records.recordExtension({ order, requestId, seconds, maxDurationS, sessionId });
    },
  };
  const providers: ProviderCommands = {
    async order(providerId, { action, until }) {
      if (action === 'cordon') await cordon(pool, providerId);
      else if (action === 'uncordon') await uncordon(pool, providerId);
      else await drain(pool, providerId, { until, retire: action === 'retire' });
    },
  };
  return { jobs, providers };
}
