-- What a wallet was charged in a month of UTC, so that its cap costs an order the same however much it has ordered. Kept
-- by the trigger below in the transaction of each booking, whatever version books; I2 adds it up again.
create table wallet_months (
  wallet text not null,
  -- Its first day.
  month date not null,
  -- What was settled, less what of it was refunded since. Base units.
  charged numeric(78, 0) not null,
  primary key (wallet, month)
);

-- A charge counts in the month in which its job was settled, a refund in the month of the charge that it corrects. What a
-- version without a ledger settled counts when it was settled, and not when it was booked.
create function ledger_month_counts() returns trigger language plpgsql as $$
begin
  insert into wallet_months as m (wallet, month, charged)
    select a.owner,
           date_trunc('month', coalesce((coalesce(s.note, e.note) ->> 'settled_at')::timestamptz, s.at, e.at)
                                 at time zone 'utc')::date,
           -sum(l.amount)
      from added l
      join ledger_entries e on e.id = l.entry_id and e.kind in ('settle', 'accrue', 'refund')
      join ledger_accounts a on a.id = l.account_id and a.kind in ('customer', 'reserved')
      left join ledger_entries s on e.kind = 'refund' and s.key = 'settle/' || e.job_id
     group by 1, 2 having sum(l.amount) <> 0
     order by 1, 2
  on conflict (wallet, month) do update set charged = m.charged + excluded.charged;
  return null;
end $$;
create trigger ledger_lines_by_month after insert on ledger_lines referencing new table as added
  for each statement execute function ledger_month_counts();

-- The same from all lines, for what was booked before this and for I2.
create view ledger_months as
  select a.owner as wallet,
         date_trunc('month', coalesce((coalesce(s.note, e.note) ->> 'settled_at')::timestamptz, s.at, e.at)
                               at time zone 'utc')::date as month,
         -sum(l.amount) as charged
    from ledger_lines l
    join ledger_entries e on e.id = l.entry_id and e.kind in ('settle', 'accrue', 'refund')
    join ledger_accounts a on a.id = l.account_id and a.kind in ('customer', 'reserved')
    left join ledger_entries s on e.kind = 'refund' and s.key = 'settle/' || e.job_id
   group by 1, 2 having sum(l.amount) <> 0;
insert into wallet_months (wallet, month, charged) select wallet, month, charged from ledger_months;

-- What a wallet was paid, newest first.
create index ledger_entries_of_payouts on ledger_entries ((note ->> 'wallet'), id) where kind = 'payout';

-- For statements: which receipts a month has, and which is the newest.
create index receipts_of_customer on receipts (customer, issued_at desc, number desc);

-- False of a job that could not be booked because the database was busy or away: it is tried again like all others.
alter table ledger_unbookable add column for_good boolean not null default true;
