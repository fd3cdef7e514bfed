-- Which job holds what of which provider. A row without a provider and with released_at is a tombstone: the job was
-- released before it was allocated, and an allocation that arrives later is refused.
create table allocations (
  job_id uuid primary key,
  provider_id varchar(255) references providers (provider_id),
  wallet varchar(42),
  gpu_type text,
  gpu_model text,
  gpu_count bigint not null default 0 check (gpu_count >= 0),
  cpu_cores bigint not null default 0 check (cpu_cores >= 0),
  memory_mb bigint not null default 0 check (memory_mb >= 0),
  storage_gb bigint not null default 0 check (storage_gb >= 0),
  price_per_hour numeric not null default 0 check (price_per_hour >= 0),
  node_name text,
  allocated_at timestamptz not null default now(),
  released_at timestamptz,
  check (released_at is not null or (provider_id is not null and node_name is not null and wallet is not null)),
  check ((gpu_count > 0) = (gpu_type is not null))
);
create index allocations_held on allocations (provider_id) where released_at is null;
