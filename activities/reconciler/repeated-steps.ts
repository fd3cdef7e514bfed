import type { Pool } from 'pg';
import type { SiteFee } from '../../src/config.js';
import { allocate, findAllocation } from '../../src/db/allocations.js';
import { recordGaps } from '../../src/db/job-gaps.js';
import { findOpenJob } from '../../src/db/reconcile-jobs.js';
import type { OpenRestore } from '../../src/db/restores.js';
import { BrokerError } from '../../src/domain/errors.js';
import type { JobOrder, Placement } from '../../src/domain/job.js';
import type { RecordedStep } from '../../src/temporal/recorded-steps.js';
import type { RecordedGap, RecordedRun } from '../job-outcome.js';
import type { RepairLog } from './repairs.js';

interface RecordedExtension {
  order: JobOrder;
  requestId: string;
  seconds: number;
  maxDurationS: number;
  sessionId?: string;
}

/** The steps of a job that its row and its charges know of. Each is safe to repeat. */
export interface JobRecord {
  recordRunning(order: JobOrder, running: RecordedRun): Promise<unknown>;
  recordExtension(extension: RecordedExtension): Promise<{ expiresAt: string }>;
}

/** Deposits are read from the chain again, and machines are heard again, within this time after a restore. */
const comesBackMs = 3_600_000;

/**
 * Repeats those of a job's steps that its row and its charges know of. What cannot be written any more is the site's loss:
 * it is reported, and holds up nothing.
 *
 * @throws the first error that a later run may not meet again, after all other steps.
 */
export async function repeatSteps(
  { pool, config }: { pool: Pool; config: SiteFee },
  steps: JobRecord,
  { jobId, recorded }: { jobId: string; recorded: readonly RecordedStep[] },
  { log, restore }: { log: Pick<RepairLog, 'failed'>; restore: Pick<OpenRestore, 'foundAt'> | undefined },
): Promise<void> {
  const later: unknown[] = [];
  const written = async (what: string, write: () => Promise<unknown>): Promise<void> => {
    try {
      await write();
    } catch (error) {
      if (mayPass(error, restore)) later.push(error);
      else log.failed(`${what} of job ${jobId} since the backup`, error);
    }
  };
  let attempt = 1;
  let placement: Placement | undefined;
  for (const { step, args } of recorded) {
    if (step === 'placeJob') attempt = (args[1] as number | undefined) ?? 1;
    if (step === 'provisionJob') placement = args[1] as Placement;
    if (step === 'recordRunning') {
      const [order, running] = args as Parameters<JobRecord['recordRunning']>;
      const place = placement === undefined ? undefined : { placement, attempt };
      await written('the start', () => start(order, running, place));
    }
    if (step === 'recordService') await written('an absence', () => recordGaps(pool, jobId, gapsIn(args[0])));
    if (step === 'recordExtension')
      await written('an extension', () => steps.recordExtension(args[0] as RecordedExtension));
  }
  if (later.length > 0) throw later[0];

  /**
   * Of a job whose start the database knows, nothing is repeated: a start clears what its provider failed before, which may
   * have been failed since.
   */
  async function start(order: JobOrder, running: RecordedRun, place: Place | undefined): Promise<void> {
    const status = (await findOpenJob(pool, jobId))?.status;
    if (status !== 'pending' && status !== 'provisioning') return;
    if (place !== undefined) await hold(order, place);
    await steps.recordRunning(order, running);
  }

  /** A job that was placed after the backup holds nothing yet, and one that moved since holds it elsewhere. */
  async function hold(order: JobOrder, { placement: at, attempt: number }: Place): Promise<void> {
    const held = await findAllocation(pool, jobId);
    if (held?.providerId === at.providerId) return;
    if (held !== undefined)
      throw new BrokerError('job_ended', `it ran at ${at.providerId}, and the database says ${held.providerId}`);
    const outcome = await allocate(pool, order, at, number, config.FEE_BPS);
    if (outcome === 'allocated' || outcome === 'held') return;
    const code = outcome === 'over_deposit' ? 'insufficient_funds' : outcome === 'taken' ? 'no_capacity' : 'job_ended';
    throw new BrokerError(code, `it ran at ${at.providerId}, which cannot be written down: ${outcome}`);
  }
}

interface Place {
  placement: Placement;
  attempt: number;
}

function gapsIn(news: unknown): { from: Date; to: Date; cause: RecordedGap['cause'] }[] {
  const { gaps } = news as { gaps: RecordedGap[] };
  return gaps.map(({ from, to, cause }) => ({ from: new Date(from), to: new Date(to), cause }));
}

/** Whether a later run may not meet an error again. */
function mayPass(error: unknown, restore: Pick<OpenRestore, 'foundAt'> | undefined): boolean {
  if (!(error instanceof BrokerError) || error.code === 'dependency_unavailable') return true;
  if (error.code !== 'insufficient_funds' && error.code !== 'no_capacity') return false;
  return restore !== undefined && Date.now() - restore.foundAt.getTime() < comesBackMs;
}
