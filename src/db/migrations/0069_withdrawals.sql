-- What customers of a vault ask of the broker, and what it last saw of the vault.

-- What a wallet lets the vault draw, as it signed it: it counts at once, and the next settlement that needs it carries it to
-- the vault.
create table spend_permits (
  chain_id bigint not null,
  vault char(42) not null,
  wallet char(42) not null,
  -- Base units, of all draws together.
  cap numeric(78, 0) not null check (cap > 0),
  signature bytea not null check (length(signature) = 65),
  kept_at timestamptz not null default clock_timestamp(),
  -- The vault refused it: it counts no longer.
  refused_at timestamptz,
  primary key (chain_id, vault, wallet)
);

-- Money that a wallet may take out of the vault with the operator's signature. It is held in the ledger meanwhile.
create table withdrawals (
  id uuid primary key default gen_random_uuid(),
  chain_id bigint not null,
  vault char(42) not null,
  wallet char(42) not null,
  -- Base units.
  amount numeric(78, 0) not null check (amount > 0),
  -- Units of the token: what the wallet has taken out in all, once it has taken this.
  cumulative numeric(39, 0) not null check (cumulative > 0),
  -- Names the request: repeated, it is the same withdrawal.
  request_key text not null unique,
  -- asked: held, and not signed. signed: the wallet can take it. taken: the vault has paid it out. void: it was given back.
  status text not null default 'asked' check (status in ('asked', 'signed', 'taken', 'void')),
  -- By the time of the chain. It is written before anything is signed, so that everybody signs the same.
  deadline timestamptz,
  signature bytea check (length(signature) = 65),
  void_reason text,
  asked_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create unique index withdrawals_open on withdrawals (chain_id, vault, wallet) where status in ('asked', 'signed');

-- What workers last saw of a vault, for those who ask no node themselves.
create table chain_vaults (
  chain_id bigint not null,
  vault char(42) not null,
  token char(42) not null,
  symbol text not null,
  decimals smallint not null check (decimals between 0 and 18),
  batch_delay_s bigint not null,
  exit_delay_s bigint not null,
  operator char(42) not null,
  guardian char(42) not null,
  treasury char(42) not null,
  proposed bigint not null,
  last_executed bigint not null,
  paused_until timestamptz,
  -- Units of the token.
  fees numeric(39, 0) not null,
  -- What the broker's own key has for gas, in wei.
  gas_money numeric(78, 0),
  seen_at timestamptz not null default clock_timestamp(),
  primary key (chain_id, vault)
);

-- Why an operator resumed, and the request that asked for it.
alter table settlement_stops add column resumed_reason text;
alter table settlement_stops add column resumed_key text unique;

-- Which transactions proposed and executed a settlement.
create index chain_events_of_batches on chain_events (chain_id, vault, (args ->> 'number'))
  where name in ('BatchProposed', 'BatchVetoed', 'BatchExecuted');
