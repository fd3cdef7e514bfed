/** What must hold of money. The parameter: entries after `$1` are looked at. */
export interface Invariant {
  says: string;
  sql: string;
  /** Whether new entries can be checked by themselves. Otherwise only a run over everything can tell. */
  isIncremental: boolean;
}

// What the ledger and the settlements say is held against the events of final blocks. What the vault itself says of each
// wallet is compared when a settlement has been executed; see `compareBatch`.

/** What each settlement changed of each line that it has, in units of the token: the vault passes over what is less. */
const changes = `
  select l.chain_id, l.vault, l.batch, l.side, l.wallet,
         greatest(l.cumulative - coalesce(max(l.cumulative) over (
           partition by l.chain_id, l.vault, l.side, l.wallet order by l.batch
           rows between unbounded preceding and 1 preceding), 0), 0) as change
    from batch_lines l
    join batches b on b.chain_id = l.chain_id and b.vault = l.vault and b.number = l.batch and b.status = 'final'`;

export const chainInvariants = {
  C1: {
    says: 'what the ledger has in a vault is what final blocks say, to the unit, wallet by wallet',
    isIncremental: false,
    sql: `select 'vault ' || v.vault as what
            from vaults v
            left join ledger_accounts a on a.kind = 'vault' and a.owner = v.chain_id || '/' || v.vault
            cross join lateral (
              select coalesce(sum(case when name = 'Deposited' then 1 else -1 end * (args ->> 'amount')::numeric), 0) as units
                from chain_events where chain_id = v.chain_id and vault = v.vault
                 and name in ('Deposited', 'Withdrawn', 'EarningsWithdrawn', 'FeesSwept')) e
            cross join lateral (
              select coalesce(sum(waiting), 0) as waiting from chain_wallets
               where chain_id = v.chain_id and vault = v.vault) w
           where $1::bigint >= 0 and e.units * v.scale <> w.waiting - coalesce(a.balance, 0)
          union all
          select 'wallet ' || w.wallet
            from chain_wallets w join vaults v on v.chain_id = w.chain_id and v.vault = w.vault
            left join (select chain_id, vault, lower(args ->> 'customer') as wallet,
                              sum((args ->> 'amount')::numeric) filter (where name = 'Deposited') as deposited,
                              sum((args ->> 'amount')::numeric) filter (where name = 'Withdrawn') as withdrawn
                         from chain_events where name in ('Deposited', 'Withdrawn') group by 1, 2, 3) e
              on e.chain_id = w.chain_id and e.vault = w.vault and e.wallet = w.wallet
           where w.deposited <> v.scale * coalesce(e.deposited, 0) or w.withdrawn <> v.scale * coalesce(e.withdrawn, 0)`,
  },
  C2: {
    says: 'no wallet is drawn more than it allowed, or more than it has in the vault',
    isIncremental: false,
    sql: `select 'wallet ' || w.wallet as what
            from chain_wallets w join vaults v on v.chain_id = w.chain_id and v.vault = w.vault
            cross join lateral (
              select coalesce(max(l.cumulative), 0) * v.scale as drawn
                from batch_lines l
                join batches b on b.chain_id = l.chain_id and b.vault = l.vault and b.number = l.batch
               where l.chain_id = w.chain_id and l.vault = w.vault and l.wallet = w.wallet and l.side = 'draw'
                 and b.status = 'final') l
           where $1::bigint >= 0 and (l.drawn > w.cap or l.drawn > w.deposited - w.withdrawn)`,
  },
  C3: {
    says: 'each settlement that was executed is booked once, with what the chain drew and credited',
    isIncremental: false,
    sql: `with lines as (
            select chain_id, vault, batch, sum(change) filter (where side = 'draw') as drawn,
                   sum(change) filter (where side = 'credit') as credited
              from (${changes}) c group by 1, 2, 3
          ), executed as (
            select e.chain_id, e.vault, (e.args ->> 'number')::bigint as number, (e.args ->> 'drawn')::numeric as drawn,
                   (e.args ->> 'credited')::numeric as credited
              from chain_events e where e.name = 'BatchExecuted'
          )
          select 'settlement ' || coalesce(b.number, x.number) as what
            from executed x
            full join (select * from batches where status = 'final') b
              on b.chain_id = x.chain_id and b.vault = x.vault and b.number = x.number
            left join vaults v on v.chain_id = b.chain_id and v.vault = b.vault
            left join lines l on l.chain_id = b.chain_id and l.vault = b.vault and l.batch = b.number
            cross join lateral (
              select coalesce(sum(m.amount) filter (where a.kind = 'payable'), 0) as booked
                from ledger_entries e join ledger_lines m on m.entry_id = e.id join ledger_accounts a on a.id = m.account_id
               where e.key = 'batch_final/' || b.chain_id || '/' || b.vault || '/' || b.number) m
           where $1::bigint >= 0
             and (b.number is null or x.number is null or x.drawn <> coalesce(l.drawn, 0)
                  or x.credited <> coalesce(l.credited, 0) or m.booked <> coalesce(l.credited, 0) * v.scale)`,
  },
} as const satisfies Record<string, Invariant>;
