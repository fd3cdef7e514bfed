import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

/**
 * Wallets that asked a vault for all their money and have not taken it, on a site whose customers pay in advance; with what
 * is reserved of each, and the units that no settlement draws of it yet, executed or under way.
 */
const leavingSql = `
  select w.wallet, w.exit_at, w.jobs_end_at, a.reserved,
         case when exists (select from frozen_wallets f
                            where f.wallet = w.wallet and f.chain_id = $1 and f.vault = $2 and f.reason = 'refused'
                              and f.thawed_at is null) then 0
              else least(ceil((w.deposited - w.waiting - w.withdrawn - greatest(a.his, 0)) / v.scale),
                         div(greatest(w.cap, p.cap), v.scale)) - l.drawn end as undrawn
    from chain_wallets w
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
   where w.chain_id = $1 and w.vault = $2 and w.exit_at is not null and w.deposited > w.waiting
     and exists (select from installation where prepaid)`;

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
    `select from (${leavingSql}) w
      where jobs_end_at <= clock_timestamp() and exit_at > clock_timestamp() + make_interval(secs => $3)
        and reserved = 0 and undrawn > 0
      limit 1`,
    [chainId, vault, drawnBeforeExitS],
  );
  return rowCount === 1;
}

/** A wallet that may soon leave without having paid. */
export interface LeavingInDebt {
  wallet: string;
  exitAt: Date;
  /** Base units that are reserved of it: jobs which have not been charged. */
  reserved: bigint;
  /** Units of the token that it was charged, and that no settlement draws. */
  undrawn: bigint;
  /** The jobs that reserve it, with their statuses. */
  jobs: readonly string[];
}

/**
 * Wallets whose exit opens within `withinS`, or is open, and that have something reserved; and those whose exit is still to
 * come and of which something is not drawn.
 */
export async function leavingInDebt(
  db: Queryable,
  { chainId, vault }: VaultId,
  withinS: number,
): Promise<LeavingInDebt[]> {
  const { rows } = await db.query<{
    wallet: string;
    exit_at: Date;
    reserved: string;
    undrawn: string;
    jobs: string[] | null;
  }>(
    `select wallet, exit_at, reserved::text, undrawn::text,
            (select array_agg(j.job_id || ' ' || j.status order by j.job_id)
               from jobs j where j.wallet = w.wallet and j.ended_at is null) as jobs
       from (${leavingSql}) w
      where exit_at <= clock_timestamp() + make_interval(secs => $3)
        and (reserved > 0 or (undrawn > 0 and exit_at > clock_timestamp()))
      order by exit_at, wallet`,
    [chainId, vault, withinS],
  );
  return rows.map(({ wallet, exit_at, reserved, undrawn, jobs }) => ({
    ...{ wallet, exitAt: exit_at, reserved: BigInt(reserved), undrawn: BigInt(undrawn), jobs: jobs ?? [] },
  }));
}
