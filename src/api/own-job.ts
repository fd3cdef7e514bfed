import { findJob, type JobRow } from '../db/jobs.js';
import type { Queryable } from '../db/pool.js';
import { BrokerError } from '../domain/errors.js';
import { isUuid } from '../domain/uuid.js';
import { principalOf } from './principal.js';
import type { ApiContext } from './route.js';

/**
 * The job in the path, if it is the caller's.
 *
 * @throws BrokerError `job_not_found`
 */
export async function ownJob(db: Queryable, ctx: ApiContext): Promise<JobRow> {
  const id = ctx.state.params['id']!.toLowerCase();
  const job = isUuid(id) ? await findJob(db, principalOf(ctx).wallet, id) : undefined;
  if (job === undefined) throw new BrokerError('job_not_found', 'you have no job with this id');
  return job;
}
