-- Public keys that a wallet keeps here, to name in its orders. They go with the last session of their wallet.
create table ssh_keys (
  key_id uuid primary key,
  wallet char(42) not null references auth_wallets (wallet) on delete cascade,
  name text not null check (length(name) between 1 and 64),
  public_key text not null check (length(public_key) <= 4200),
  fingerprint text not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  unique (wallet, fingerprint),
  unique (wallet, name)
);

-- Prices that an owner set by the API. They stand above what the agent says until they are deleted, and `agent` keeps the
-- newest of that, to go back to. Both are {"gpu": {type: price}, "cpu": price, "memory_gb": price}; what an owner left out
-- is the agent's.
create table provider_prices (
  provider_id varchar(255) primary key references providers (provider_id) on delete cascade,
  owner jsonb not null check (jsonb_typeof(owner) = 'object'),
  agent jsonb not null check (jsonb_typeof(agent) = 'object'),
  set_by varchar(42) not null,
  set_at timestamptz(3) not null default clock_timestamp()
);

-- Delegations that an owner left for a machine which has not registered with them yet. The machine has the key, and asks with
-- it; several wallets may claim the same key, and the machine takes none of them then.
create table left_delegations (
  node_key char(42) not null check (node_key ~ '^0x[0-9a-f]{40}$'),
  provider_id varchar(255) not null,
  wallet char(42) not null,
  reg text not null check (length(reg) <= 4096),
  regsig text not null check (length(regsig) <= 16400),
  issued_at timestamptz not null,
  -- Until when it may be used for the first time.
  good_until timestamptz not null,
  primary key (node_key, provider_id, wallet)
);
create index left_delegations_by_age on left_delegations (good_until);

-- How a provider kept its word, by day of UTC. `observed_s` is the time in which somebody noted whether it was online: while
-- the broker itself was down, nobody did.
create table provider_days (
  provider_id varchar(255) not null references providers (provider_id) on delete cascade,
  day date not null,
  observed_s integer not null default 0,
  online_s integer not null default 0,
  -- The last slot that is counted in both, so that none is counted twice.
  noted_at timestamptz not null default '-infinity',
  -- Jobs that ended after having been ready; of all jobs those that failed by the provider's doing.
  jobs integer not null default 0,
  start_timeouts integer not null default 0,
  losses integer not null default 0,
  primary key (provider_id, day),
  check (online_s between 0 and observed_s)
);
create index provider_days_by_age on provider_days (day);

-- How busy a provider was, as its heartbeats said: percent, null where there is no GPU.
create table provider_samples (
  provider_id varchar(255) not null references providers (provider_id) on delete cascade,
  at timestamptz(0) not null,
  gpu real,
  cpu real not null,
  memory real not null,
  rented_gpus integer not null,
  primary key (provider_id, at)
);
create index provider_samples_by_age on provider_samples (at);

-- An owner's machines.
create index providers_of_wallet on providers (wallet_addr, registered_at, provider_id);

-- What ended of late, and what a provider earned by then.
create index jobs_by_end on jobs (ended_at) where ended_at is not null;
create index jobs_of_provider on jobs (provider_id, created_at desc, job_id desc);
create index jobs_ended_of_provider on jobs (provider_id, ended_at) where ended_at is not null;
