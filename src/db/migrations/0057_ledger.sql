-- The double-entry ledger: who has how much, and every booking that made it so. Rows are only added. All amounts are base
-- units (10^-18 of a token).

-- The platform's share of a job's charge in hundredths of a percent, frozen with its rate when it is placed.
alter table jobs add column fee_bps smallint;
-- Rows that stand already have none, and are looked at by 0061, without a lock.
alter table jobs add constraint jobs_fee_bps_check check (fee_bps between 0 and 1000) not valid;

-- What the ledger holds reserved for a charge: null as long as it knows nothing of the charge. A version before this
-- settles and changes charges without booking; such rows stand in an index (0061) until the reconciler has booked them.
alter table auth_charges add column booked numeric(78, 0);
alter table auth_charges add constraint auth_charges_booked_check check (booked >= 0) not valid;

create table ledger_accounts (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('customer', 'reserved', 'withdrawing', 'provider', 'unclaimed', 'in_batch', 'payable',
                                     'fees', 'rounding', 'bad_debt', 'vault', 'manual')),
  -- A wallet; of `unclaimed` the id of a provider, of `vault` the id of a chain. The house has one account of each kind.
  owner text not null default '',
  -- What the platform owes the owner. `vault` and `manual` are negative: others hold it for the platform.
  balance numeric(78, 0) not null default 0,
  may_owe boolean not null default false,
  -- The time of its last line; times of an account's lines never go back, whatever a clock does.
  changed_at timestamptz not null default '-infinity',
  unique (kind, owner),
  constraint ledger_accounts_covered check (balance >= 0 or may_owe)
);

create table ledger_entries (
  id bigint generated always as identity primary key,
  -- Names the fact that is booked, so that it is booked once: settle/JOB, for instance.
  key text not null unique check (length(key) between 1 and 200),
  kind text not null check (kind in ('deposit', 'reserve', 'trim', 'accrue', 'settle', 'refund', 'claim', 'batch',
                                     'batch_final', 'batch_void', 'payout', 'withdraw_hold', 'withdraw_void', 'withdrawn',
                                     'adjust')),
  job_id uuid,
  note jsonb not null default '{}' check (jsonb_typeof(note) = 'object'),
  at timestamptz not null
);
create index ledger_entries_of_job on ledger_entries (job_id, id) where job_id is not null;
create index ledger_entries_of_refunds on ledger_entries (job_id) where kind = 'refund';
-- What operators wrote down themselves, by the wallet that it is about.
create index ledger_entries_by_hand on ledger_entries ((note ->> 'wallet'), at) where kind in ('payout', 'deposit');
create index ledger_entries_of_revenue on ledger_entries (at) where kind in ('settle', 'refund');

create table ledger_lines (
  entry_id bigint not null references ledger_entries (id),
  account_id bigint not null references ledger_accounts (id),
  amount numeric(78, 0) not null check (amount <> 0),
  -- The account's balance after this line: a statement reads it instead of adding up all lines before a month.
  balance numeric(78, 0) not null,
  at timestamptz not null,
  primary key (entry_id, account_id)
);
create index ledger_lines_of_account on ledger_lines (account_id, at desc, entry_id desc);

-- How far the reconciler has compared the ledger, and what differed when it last looked.
create table ledger_checks (
  one boolean primary key default true check (one),
  seen_entry bigint not null default 0,
  checked_at timestamptz,
  full_at timestamptz,
  -- For each invariant that is violated, in how many rows.
  differs jsonb not null default '{}' check (jsonb_typeof(differs) = 'object')
);
insert into ledger_checks default values;

create function ledger_only_grows() returns trigger language plpgsql as $$
begin
  raise exception '% of % is refused: the ledger is only added to', lower(tg_op), tg_table_name using errcode = 'LG001';
end $$;
create trigger ledger_entries_only_grow before update or delete or truncate on ledger_entries
  for each statement execute function ledger_only_grows();
create trigger ledger_lines_only_grow before update or delete or truncate on ledger_lines
  for each statement execute function ledger_only_grows();
create trigger ledger_accounts_stay before delete or truncate on ledger_accounts
  for each statement execute function ledger_only_grows();

-- A balance changes by lines alone: their trigger is the one that runs inside another one.
create function ledger_account_change() returns trigger language plpgsql as $$
begin
  if (new.id, new.kind, new.owner) is distinct from (old.id, old.kind, old.owner)
     or (new.balance, new.changed_at) is distinct from (old.balance, old.changed_at) and pg_trigger_depth() < 2 then
    raise exception 'an account changes by bookings alone' using errcode = 'LG001';
  end if;
  return new;
end $$;
create trigger ledger_accounts_change before update on ledger_accounts
  for each row execute function ledger_account_change();
create function ledger_account_new() returns trigger language plpgsql as $$
begin
  if new.balance <> 0 then
    raise exception 'an account begins with nothing' using errcode = 'LG001';
  end if;
  return new;
end $$;
create trigger ledger_accounts_new before insert on ledger_accounts for each row execute function ledger_account_new();

create function ledger_entry_new() returns trigger language plpgsql as $$
begin
  if current_setting('ledger.key', true) is distinct from new.key then
    raise exception 'entries are written by ledger_post alone' using errcode = 'LG001';
  end if;
  return new;
end $$;
create trigger ledger_entries_new before insert on ledger_entries for each row execute function ledger_entry_new();

-- No line is added to an entry of another transaction, so whoever sees an entry sees all of it.
create function ledger_line_new() returns trigger language plpgsql as $$
begin
  if not exists (select from ledger_entries e where e.id = new.entry_id and e.xmin = pg_current_xact_id()::xid) then
    raise exception 'lines are written together with their entry' using errcode = 'LG001';
  end if;
  update ledger_accounts set balance = balance + new.amount, changed_at = new.at
   where id = new.account_id returning balance into new.balance;
  return new;
end $$;
create trigger ledger_lines_new before insert on ledger_lines for each row execute function ledger_line_new();

create function ledger_entry_balances() returns trigger language plpgsql as $$
begin
  if (select sum(amount) from ledger_lines where entry_id = new.entry_id) <> 0 then
    raise exception 'the lines of entry % do not sum to 0', new.entry_id using errcode = 'LG001';
  end if;
  return null;
end $$;
create constraint trigger ledger_lines_balance after insert on ledger_lines
  deferrable initially deferred for each row execute function ledger_entry_balances();

-- Books an entry, once for its key, and is the only one that does. Accounts are locked in one order (customers, others by
-- their ids, the house last), so that two bookings never wait for each other; an account that is named with an amount of 0
-- is locked and gets no line. The amounts of an account that is named twice are added.
--
-- Returns false when the key has been booked before with the same lines; with others it is an error.
create function ledger_post(entry_key text, entry_kind text, entry_job uuid, entry_note jsonb, account_kinds text[],
                            account_owners text[], amounts numeric[]) returns boolean language plpgsql as $$
declare
  entry bigint;
  posted_at timestamptz;
begin
  if (select coalesce(sum(a), 0) from unnest(amounts) a) <> 0 then
    raise exception 'the lines of % do not sum to 0', entry_key using errcode = 'LG001';
  end if;
  insert into ledger_accounts (kind, owner, may_owe)
    select distinct l.kind, l.owner,
           -- Customers may owe: the spend limit that a wallet signed is trusted, and invoices are paid later.
           l.kind in ('customer', 'provider', 'fees', 'rounding', 'bad_debt', 'vault', 'manual')
      from unnest(account_kinds, account_owners) as l (kind, owner)
     where not exists (select from ledger_accounts a where a.kind = l.kind and a.owner = l.owner)
     order by l.kind, l.owner
  on conflict (kind, owner) do nothing;
  perform from unnest(account_kinds, account_owners) as l (kind, owner)
          join ledger_accounts a on a.kind = l.kind and a.owner = l.owner
    order by case when a.kind = 'customer' then 0
                  when a.kind in ('fees', 'rounding', 'bad_debt', 'vault', 'manual') then 2 else 1 end, a.id
      for update of a;
  select greatest(clock_timestamp(), max(a.changed_at)) into posted_at
    from unnest(account_kinds, account_owners) as l (kind, owner)
    join ledger_accounts a on a.kind = l.kind and a.owner = l.owner;

  perform set_config('ledger.key', entry_key, true);
  insert into ledger_entries (key, kind, job_id, note, at)
    values (entry_key, entry_kind, entry_job, entry_note, posted_at)
  on conflict (key) do nothing
  returning id into entry;
  perform set_config('ledger.key', '', true);

  if entry is null then
    if exists (
      with given as (
        select l.kind, l.owner, sum(l.amount) as amount
          from unnest(account_kinds, account_owners, amounts) as l (kind, owner, amount)
         group by 1, 2 having sum(l.amount) <> 0
      ), stands as (
        select a.kind, a.owner, l.amount
          from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
         where e.key = entry_key
      )
      (table given except table stands) union all (table stands except table given)
    ) or not exists (
      select from ledger_entries e
       where e.key = entry_key and e.kind = entry_kind and e.job_id is not distinct from entry_job
    ) then
      raise exception 'the key % stands for another booking', entry_key using errcode = 'LG002';
    end if;
    return false;
  end if;

  insert into ledger_lines (entry_id, account_id, amount, balance, at)
    select entry, a.id, sum(l.amount), 0, posted_at
      from unnest(account_kinds, account_owners, amounts) as l (kind, owner, amount)
      join ledger_accounts a on a.kind = l.kind and a.owner = l.owner
     group by a.id having sum(l.amount) <> 0;
  return true;
end $$;
