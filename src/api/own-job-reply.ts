import type { Pool } from 'pg';
import { jobToken } from '../db/job-tokens.js';
import type { JobRow } from '../db/jobs.js';
import { isFinal } from '../domain/job.js';
import type { SessionPrincipal } from '../auth/customers/principal.js';
import { jobReplyOf, type JobReply } from './schemas/job.js';

/**
 * A job as its owner sees it: with the token of its program. A credential that may only read gets none, because whoever
 * has the token may run what he likes in the job.
 */
export async function ownJobReply(
  pool: Pool,
  { wallet, scopes }: Pick<SessionPrincipal, 'wallet' | 'scopes'>,
  job: JobRow,
): Promise<JobReply> {
  const mayHave = wallet === job.wallet && scopes.includes('jobs:write') && !isFinal(job.status);
  const token = mayHave && job.template?.token !== undefined ? await jobToken(pool, job) : undefined;
  return jobReplyOf(job, Date.now(), token);
}
