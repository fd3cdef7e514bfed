-- Everything about a provider that changes rarely. What changes with every heartbeat stands in provider_heartbeats.
create table providers (
  provider_id varchar(255) primary key,
  wallet_addr varchar(42) not null check (wallet_addr = lower(wallet_addr)),
  wallet_verified boolean not null default false,
  node_name varchar(253) unique,
  status text not null default 'pending'
    check (status in ('pending', 'approved', 'joined', 'available', 'busy', 'offline', 'rejected')),
  status_reason text not null default '',

  -- As registered: the machine, what of it is shared, and the same as one normalised offer.
  spec jsonb not null,
  capacity jsonb not null,
  offer jsonb not null,
  mining_config jsonb,
  agent_version text,
  public_ip text,
  cpu_price_per_hour numeric not null default 0 check (cpu_price_per_hour >= 0),
  memory_price_per_gb_hour numeric not null default 0 check (memory_price_per_gb_hour >= 0),

  -- As the cluster has it; no allocatable while no node was seen.
  node_uid text,
  node_ready boolean not null default false,
  allocatable jsonb,
  cordoned boolean not null default false,

  -- What the sweep last found, and whether the provider's workflow was told.
  heartbeat_alive boolean not null default false,
  heartbeat_signalled boolean not null default true,

  -- Of the registration that stands here: an older one that comes late changes nothing.
  registration_at timestamptz not null default now(),
  -- With milliseconds, as JavaScript has them: a cursor made of one meets the row it was made from.
  registered_at timestamptz(3) not null default now(),
  joined_at timestamptz,
  updated_at timestamptz not null default now()
);

-- Updated some ten thousand times a second: a narrow row with room on its page and no index on what changes makes every
-- update a heap-only one, and no heartbeat waits for somebody who holds the provider's own row.
create table provider_heartbeats (
  provider_id varchar(255) primary key references providers (provider_id) on delete cascade,
  last_heartbeat timestamptz,
  telemetry jsonb
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Registrations and capacity updates as they passed validation, until the provider's workflow has read them.
create table provider_registrations (
  message_id text primary key,
  provider_id varchar(255) not null,
  registration jsonb not null,
  wallet varchar(42) not null,
  signed boolean not null,
  received_at timestamptz not null default now()
);
create index provider_registrations_by_age on provider_registrations (received_at);

-- GPUs in pieces, cpu in cores, memory in MB, storage in GB. `target` is what offer and cluster say now. A shrink never
-- cuts a running job: `total` stays at what is rented, and comes down to the target as jobs end.
create table provider_resources (
  provider_id varchar(255) not null references providers (provider_id) on delete cascade,
  kind text not null check (kind in ('gpu', 'cpu', 'memory', 'storage')),
  name text not null default '' check ((name <> '') = (kind = 'gpu')),
  model text not null default '',
  total bigint not null check (total >= 0),
  target bigint not null check (target >= 0),
  rented bigint not null default 0,
  price_per_hour numeric not null default 0 check (price_per_hour >= 0),
  primary key (provider_id, kind, name),
  -- The statements see to this; should one ever be wrong, it fails here instead of selling what is not there.
  constraint provider_resources_not_oversold check (rented >= 0 and rented <= total),
  constraint provider_resources_total check (total = greatest(target, rented))
) with (fillfactor = 70);
create index provider_resources_gpus on provider_resources (name, provider_id) where kind = 'gpu';
