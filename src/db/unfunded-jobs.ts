import type { Queryable } from './pool.js';

/** Why a job is no longer paid for: its wallet is about to take its money out of the vault, or the vault does not pay for it. */
export type UnfundedBecause = 'exit' | 'frozen';

export interface UnfundedJob {
  jobId: string;
  because: UnfundedBecause;
}

/**
 * Jobs that go on and are not paid for any more, on a site whose customers pay in advance. Those that are ending already
 * are not among them.
 */
export async function unfundedJobs(db: Queryable, limit: number): Promise<UnfundedJob[]> {
  const { rows } = await db.query<{ job_id: string; because: UnfundedBecause }>(
    `with unfunded as (
       select wallet, 'exit' as because from chain_wallets where jobs_end_at <= clock_timestamp()
       union all
       select wallet, 'frozen' from frozen_wallets where thawed_at is null
     )
     select distinct on (j.job_id) j.job_id, u.because
       from unfunded u join jobs j on j.wallet = u.wallet
      where j.ended_at is null and j.status <> 'ending' and exists (select from installation where prepaid)
      order by j.job_id, u.because limit $1`,
    [limit],
  );
  return rows.map(({ job_id, because }) => ({ jobId: job_id, because }));
}
