-- Whether its owner wants a provider's idle GPUs to mine; with what stands in mining_config.
alter table providers add column mining_enabled boolean not null default true;

-- What Kubernetes was asked for, and what the watcher saw of it. A row stands here before the first miner does.
create table provider_mining (
  provider_id varchar(255) primary key references providers (provider_id) on delete cascade,
  miners int not null default 0 check (miners >= 0),
  -- Why there are none.
  reason text not null default '',
  running int not null default 0 check (running >= 0),
  waiting int not null default 0 check (waiting >= 0),
  failing int not null default 0 check (failing >= 0),
  updated_at timestamptz not null default now()
) with (fillfactor = 80);
