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

/**
 * Whether a wallet that is about to take its money out was charged since the last settlement, and has no job any more: a
 * settlement that is cut now has all that it owes.
 */
export async function mustSettleBeforeAnExit(db: Queryable): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from chain_wallets w
       join vaults v on v.chain_id = w.chain_id and v.vault = w.vault
       join ledger_accounts a on a.kind = 'reserved' and a.owner = w.wallet and a.balance = 0
      where w.jobs_end_at <= clock_timestamp() and exists (select from installation where prepaid)
        and a.changed_at > greatest(v.settled_until, (select max(b.cut_at) from batches b
                                                       where b.chain_id = w.chain_id and b.vault = w.vault
                                                         and b.status <> 'void'))
      limit 1`,
  );
  return rowCount === 1;
}
