-- Whether this site's customers pay in advance. It stands with the money, so that whatever promises service asks the same.
alter table installation add column prepaid boolean not null default false;

-- Accounts that begin on such a site may not owe: the database refuses what forgets to ask.
create or replace function ledger_account_new() returns trigger language plpgsql as $$
begin
  if new.balance <> 0 then
    raise exception 'an account begins with nothing' using errcode = 'LG001';
  end if;
  if new.kind = 'customer' and new.may_owe and exists (select from installation where prepaid) then
    new.may_owe := false;
  end if;
  return new;
end $$;

-- What is known of a vault, for processes that do not ask the chain.
create table vaults (
  chain_id bigint not null,
  vault char(42) not null,
  -- Base units in one unit of its token.
  scale numeric(19, 0) not null check (scale > 0),
  batch_delay_s bigint not null,
  exit_delay_s bigint not null,
  -- Everything that was booked until then has been settled.
  settled_until timestamptz not null default clock_timestamp(),
  primary key (chain_id, vault)
);

-- From then on the wallet's jobs end, so that they are settled before it takes its money out.
alter table chain_wallets add column jobs_end_at timestamptz;

-- Wallets from which the vault does not pay, or that left it with a debt. They get no service until that is put right.
create table frozen_wallets (
  id bigint generated always as identity primary key,
  chain_id bigint not null,
  vault char(42) not null,
  wallet char(42) not null,
  -- `refused`: the vault refused a settlement for this wallet's line. `left_owing`: it took out what was charged already.
  reason text not null check (reason in ('refused', 'left_owing')),
  -- The words of the vault.
  detail text not null default '',
  frozen_at timestamptz not null default clock_timestamp(),
  thawed_at timestamptz,
  -- The operator who did it; null when a deposit or a higher cap did.
  thawed_by char(42)
);
create unique index frozen_wallets_open on frozen_wallets (wallet, chain_id, vault) where thawed_at is null;
