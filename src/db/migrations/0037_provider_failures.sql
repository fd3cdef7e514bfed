-- Starts that a provider failed and that no customer can have brought about: for people, and to count wallets by.
create table provider_failures (
  job_id uuid not null,
  attempt integer not null,
  provider_id varchar(255) not null references providers (provider_id) on delete cascade,
  wallet varchar(42) not null,
  reason text not null,
  failed_at timestamptz not null default clock_timestamp(),
  primary key (job_id, attempt)
);
create index provider_failures_of_provider on provider_failures (provider_id, failed_at);
create index provider_failures_by_age on provider_failures (failed_at);

-- What follows from them; a provider without a row has failed nobody. It stands beside the provider and not in its row,
-- which whoever places a job holds: writing here waits for no placement.
create table provider_starts (
  provider_id varchar(255) primary key references providers (provider_id) on delete cascade,
  -- Only what failed later counts: after the last start that succeeded, and not while it is out.
  counted_from timestamptz not null default '-infinity',
  -- Of how many wallets a start failed since.
  wallets integer not null default 0 check (wallets >= 0),
  -- The last one. What failed long ago says nothing about a machine.
  failed_at timestamptz,
  -- Nothing is placed there until then, and why. Each time lasts twice as long as the one before.
  out_until timestamptz,
  out_reason text,
  times_out integer not null default 0 check (times_out >= 0)
);

-- Where jobs of a wallet did not start of late, by whoever's doing: it concerns the orders of that wallet alone.
create table provider_doubts (
  wallet varchar(42) not null,
  provider_id varchar(255) not null references providers (provider_id) on delete cascade,
  failed_at timestamptz not null default clock_timestamp(),
  primary key (wallet, provider_id)
);
create index provider_doubts_by_age on provider_doubts (failed_at);

-- Providers that the customer of a job does not want.
alter table jobs add column excluded_providers text[] not null default '{}';
