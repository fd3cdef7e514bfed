import type { Address } from 'viem';
import type { DrawFacts } from '../domain/vault-units.js';
import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

/** What a settlement is cut from: one statement, so that all of it is of one moment. */
interface BatchFacts {
  customers: (DrawFacts & { wallet: Address; permitCap?: bigint; isLeaving: boolean })[];
  providers: { wallet: Address; balance: bigint; before: bigint }[];
  /** Units of the token that the vault has for payees by its events, before this settlement. */
  undistributed: bigint;
}

interface FactRow {
  side: 'draw' | 'credit' | 'vault';
  wallet: Address;
  balance: string;
  before: string;
  deposited: string;
  withdrawn: string;
  cap: string;
  permit: string | null;
  is_leaving: boolean;
}

/** A vault, and what a settlement there has to know of it. */
export interface CuttableVault extends VaultId {
  /** Base units in one unit of its token. */
  scale: bigint;
  /** Customers who may leave within it are not drawn: see `drawnBeforeExitS`. */
  drawnBeforeExitS: number;
}

export async function batchFacts(
  db: Queryable,
  { chainId, vault, scale, drawnBeforeExitS }: CuttableVault,
): Promise<BatchFacts> {
  const { rows } = await db.query<FactRow>(
    `with last_lines as (
       select l.side, l.wallet, max(l.cumulative) as cumulative
         from batch_lines l join batches b on b.chain_id = l.chain_id and b.vault = l.vault and b.number = l.batch
        where l.chain_id = $1 and l.vault = $2 and b.status = 'final' group by l.side, l.wallet
     ), customers as (
       select 'draw' as side, w.wallet, coalesce(sum(a.balance), 0) as balance, w.deposited - w.waiting as deposited,
              w.withdrawn, w.cap, p.cap as permit, w.exit_at is not null as is_leaving
         from chain_wallets w
         left join spend_permits p on p.chain_id = w.chain_id and p.vault = w.vault and p.wallet = w.wallet
                                  and p.refused_at is null
         left join ledger_accounts a on a.owner = w.wallet and a.kind in ('customer', 'reserved', 'withdrawing')
        where w.chain_id = $1 and w.vault = $2 and w.deposited > w.waiting
          and (w.exit_at is null or w.exit_at > clock_timestamp() + make_interval(secs => $4))
          and not exists (select from frozen_wallets f
                           where f.wallet = w.wallet and f.chain_id = $1 and f.vault = $2 and f.reason = 'refused'
                             and f.thawed_at is null)
        group by w.chain_id, w.vault, w.wallet, p.cap
     ), sums as (
       select coalesce(sum(case name when 'BatchExecuted'
                                     then (args ->> 'drawn')::numeric - (args ->> 'credited')::numeric
                                     else -(args ->> 'amount')::numeric end), 0) as left_over
         from chain_events where chain_id = $1 and vault = $2 and name in ('BatchExecuted', 'FeesSwept')
     )
     select c.side, c.wallet, c.balance::text, coalesce(l.cumulative, 0)::text as before, c.deposited::text,
            c.withdrawn::text, c.cap::text, c.permit::text, c.is_leaving
       from customers c left join last_lines l on l.side = 'draw' and l.wallet = c.wallet
     union all
     select 'credit', a.owner, a.balance::text, coalesce(l.cumulative, 0)::text, '0', '0', '0', null, false
       from ledger_accounts a left join last_lines l on l.side = 'credit' and l.wallet = a.owner
      where a.kind = 'provider' and a.balance >= $3
     union all
     select 'vault', '', left_over::text, '0', '0', '0', '0', null, false from sums`,
    [chainId, vault, scale.toString(), drawnBeforeExitS],
  );
  return {
    customers: rows
      .filter(({ side }) => side === 'draw')
      .map((row) => ({
        ...{ wallet: row.wallet, balance: BigInt(row.balance), before: BigInt(row.before) },
        ...{ deposited: BigInt(row.deposited), withdrawn: BigInt(row.withdrawn), cap: BigInt(row.cap) / scale },
        isLeaving: row.is_leaving,
        ...(row.permit === null ? {} : { permitCap: BigInt(row.permit) / scale }),
      })),
    providers: rows
      .filter(({ side }) => side === 'credit')
      .map(({ wallet, balance, before }) => ({ wallet, balance: BigInt(balance), before: BigInt(before) })),
    undistributed: BigInt(rows.find(({ side }) => side === 'vault')!.balance),
  };
}
