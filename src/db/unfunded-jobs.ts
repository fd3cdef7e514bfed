import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

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
 * Whether a wallet that is about to take its money out owes the vault what no settlement draws yet, and has no job any more:
 * one that is cut now has all that it owes.
 *
 * @param drawnBeforeExitS a wallet that leaves within it is drawn no more.
 */
export async function mustSettleBeforeAnExit(
  db: Queryable,
  { chainId, vault }: VaultId,
  drawnBeforeExitS: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from chain_wallets w
       join vaults v on v.chain_id = w.chain_id and v.vault = w.vault
       left join spend_permits p on p.chain_id = w.chain_id and p.vault = w.vault and p.wallet = w.wallet
                                and p.refused_at is null
       cross join lateral (
         select coalesce(sum(balance), 0) as his, coalesce(sum(balance) filter (where kind = 'reserved'), 0) as reserved
           from ledger_accounts where owner = w.wallet and kind in ('customer', 'reserved', 'withdrawing')) a
       cross join lateral (
         select coalesce(max(l.cumulative), 0) as drawn
           from batch_lines l join batches b on b.chain_id = l.chain_id and b.vault = l.vault and b.number = l.batch
          where l.wallet = w.wallet and l.side = 'draw' and l.chain_id = $1 and l.vault = $2 and b.status <> 'void') l
      where w.chain_id = $1 and w.vault = $2 and w.deposited > w.waiting
        and exists (select from installation where prepaid)
        and w.jobs_end_at <= clock_timestamp() and w.exit_at > clock_timestamp() + make_interval(secs => $3)
        and a.reserved = 0
        and least(ceil((w.deposited - w.waiting - w.withdrawn - greatest(a.his, 0)) / v.scale),
                  div(greatest(w.cap, p.cap), v.scale)) > l.drawn
        and not exists (select from frozen_wallets f
                         where f.wallet = w.wallet and f.chain_id = $1 and f.vault = $2 and f.reason = 'refused'
                           and f.thawed_at is null)
      limit 1`,
    [chainId, vault, drawnBeforeExitS],
  );
  return rowCount === 1;
}
