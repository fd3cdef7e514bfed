-- What a vault on a chain says, and the settlements that are put there. A vault is named by its chain and address.

-- Events of the vault in blocks that are final. Rows are only added.
create table chain_events (
  chain_id bigint not null,
  tx_hash char(66) not null,
  log_index integer not null check (log_index >= 0),
  vault char(42) not null,
  block_number bigint not null,
  block_hash char(66) not null,
  name text not null,
  -- Numbers as texts, in units of the token.
  args jsonb not null check (jsonb_typeof(args) = 'object'),
  seen_at timestamptz not null default clock_timestamp(),
  primary key (chain_id, tx_hash, log_index)
);
create index chain_events_in_order on chain_events (chain_id, vault, block_number, log_index);

-- How far the events have been read: all of this block and of those before it.
create table chain_cursor (
  chain_id bigint not null,
  vault char(42) not null,
  block bigint not null,
  -- Of that block: if another one stands there now, the chain took back what was final.
  block_hash char(66) not null,
  read_at timestamptz not null default clock_timestamp(),
  primary key (chain_id, vault)
);

-- What the vault has of each wallet by its events. Base units.
create table chain_wallets (
  chain_id bigint not null,
  vault char(42) not null,
  wallet char(42) not null,
  deposited numeric(78, 0) not null default 0 check (deposited >= 0),
  withdrawn numeric(78, 0) not null default 0 check (withdrawn >= 0),
  -- Of what was deposited: too little to be booked yet.
  waiting numeric(78, 0) not null default 0 check (waiting >= 0),
  -- What all draws may come to, as the wallet allowed it.
  cap numeric(78, 0) not null default 0 check (cap >= 0),
  -- From then on the wallet may take out everything, whatever it still owes.
  exit_at timestamptz,
  primary key (chain_id, vault, wallet)
);
create index chain_wallets_by_wallet on chain_wallets (wallet);

-- Deposits that are seen and not final: what a customer waits for. Nothing is decided by them.
create table chain_incoming (
  chain_id bigint not null,
  tx_hash char(66) not null,
  log_index integer not null,
  vault char(42) not null,
  wallet char(42) not null,
  -- Base units.
  amount numeric(78, 0) not null check (amount > 0),
  block_number bigint not null,
  primary key (chain_id, tx_hash, log_index)
);
create index chain_incoming_by_wallet on chain_incoming (wallet);

-- Settlements: the totals of all wallets at one moment.
create table batches (
  chain_id bigint not null,
  vault char(42) not null,
  number bigint not null check (number > 0),
  cut_at timestamptz not null,
  -- Entries up to this one are in it.
  last_entry_id bigint not null,
  hash char(66) not null,
  status text not null default 'cut' check (status in ('cut', 'proposed', 'final', 'void')),
  executable_at timestamptz,
  ended_at timestamptz,
  -- What it waits for, since when: for operators.
  waits_for text,
  waits_since timestamptz,
  -- Why it is void.
  void_reason text,
  primary key (chain_id, vault, number)
);
create unique index batches_under_way on batches (chain_id, vault) where status in ('cut', 'proposed');

create table batch_lines (
  chain_id bigint not null,
  vault char(42) not null,
  batch bigint not null,
  side text not null check (side in ('draw', 'credit')),
  wallet char(42) not null,
  -- Units of the token, since the beginning: as on the chain.
  cumulative numeric(39, 0) not null check (cumulative >= 0),
  primary key (chain_id, vault, batch, side, wallet),
  foreign key (chain_id, vault, batch) references batches (chain_id, vault, number)
);
create index batch_lines_of_wallet on batch_lines (wallet, side, batch desc);

-- Nothing is settled while one of these is open: somebody has the operator's key, or the books are wrong.
create table settlement_stops (
  id bigint generated always as identity primary key,
  chain_id bigint not null,
  vault char(42) not null,
  reason text not null,
  stopped_at timestamptz not null default clock_timestamp(),
  resumed_at timestamptz,
  -- The operator who looked into it.
  resumed_by char(42)
);
create unique index settlement_stops_open on settlement_stops (chain_id, vault) where resumed_at is null;

create trigger chain_events_only_grow before update or delete or truncate on chain_events
  for each statement execute function ledger_only_grows();
create trigger batch_lines_only_grow before update or delete or truncate on batch_lines
  for each statement execute function ledger_only_grows();
