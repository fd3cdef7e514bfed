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

-- What a customer ordered and how far it came. Written by the job's workflow through its activities. Times that are
-- shown and sorted by have milliseconds, as JavaScript does: a cursor made of one meets the row it was made from.
create table jobs (
  job_id uuid primary key,
  wallet varchar(42) not null check (wallet = lower(wallet)),
  session_id uuid,
  idempotency_key text,
  request_sha256 text not null,

  job_name text,
  image text not null,
  gpu_type text,
  requested_provider text,
  gpu_count integer not null check (gpu_count >= 0),
  cpu_cores integer not null check (cpu_cores >= 0),
  memory_mb integer not null check (memory_mb >= 0),
  storage_gb integer not null check (storage_gb >= 0),
  duration_s integer not null check (duration_s > 0),
  max_price_per_hour numeric check (max_price_per_hour >= 0),
  ssh_public_keys text[] not null default '{}',
  -- Customers put secrets here: emptied when the job ends.
  env jsonb not null default '{}',

  status text not null default 'pending' check (status in ('pending', 'provisioning', 'running', 'ending', 'completed',
    'expired', 'cancelled', 'failed', 'provider_lost')),
  provider_id varchar(255),
  gpu_model text,
  price_per_hour numeric check (price_per_hour >= 0),
  ssh_host text,
  ssh_port integer check (ssh_port between 1 and 65535),
  pod_uid text,
  message text not null default '',
  failure_reason text,
  failure_message text,
  reserved_amount numeric(78, 0) not null default 0 check (reserved_amount >= 0),

  created_at timestamptz(3) not null default clock_timestamp(),
  started_at timestamptz(3),
  expires_at timestamptz(3),
  ended_at timestamptz(3),
  updated_at timestamptz(3) not null default clock_timestamp(),

  unique (wallet, idempotency_key),
  constraint jobs_ended check ((ended_at is not null) = (status in ('completed', 'expired', 'cancelled', 'failed',
    'provider_lost')))
) with (fillfactor = 80);

create index jobs_of_wallet on jobs (wallet, created_at desc, job_id desc);
-- Of all jobs ever, the few that are not over: quotas, the watcher and the reconciler read these.
create index jobs_live_of_wallet on jobs (wallet) where ended_at is null;
create index jobs_live_of_provider on jobs (provider_id) where ended_at is null;

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

-- The ids of kubeadm join tokens and whose they are; the secret half stands nowhere but in the cluster and the reply.
create table join_tokens (
  token_id char(6) primary key check (token_id ~ '^[a-z0-9]{6}$'),
  provider_id varchar(255) not null references providers (provider_id) on delete cascade,
  message_id text not null,
  node_name varchar(253) not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  deleted_at timestamptz(3),
  unique (provider_id, message_id)
);

-- Up Migration

-- One row per wallet that ever logged in. It is what logins and revocations of a wallet lock, so that neither slips
-- through the other and the number of live sessions is counted right.
create table auth_wallets (
  wallet char(42) primary key check (wallet ~ '^0x[0-9a-f]{40}$'),
  -- Set by "revoke all": a login that was begun before is void, also when its signature comes in afterwards.
  logins_void_before timestamptz
);

create table auth_sessions (
  id uuid primary key,
  wallet char(42) not null references auth_wallets (wallet),
  -- Unique for ever: a key that was revoked can never speak again, for whomever.
  session_key char(42) not null unique check (session_key ~ '^0x[0-9a-f]{40}$'),
  chain_id integer not null,
  wallet_kind text not null check (wallet_kind in ('eoa', 'contract')),
  scopes text[] not null,
  -- Base units. `reserved` is promised to jobs that run, `spent` is what ended jobs cost.
  spend_limit numeric(78, 0) not null check (spend_limit >= 0),
  reserved numeric(78, 0) not null default 0 check (reserved >= 0),
  spent numeric(78, 0) not null default 0 check (spent >= 0),
  -- What the wallet signed, as evidence.
  delegation jsonb not null,
  signature text not null,
  label text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_ip inet,
  user_agent text,
  -- The second lock on the spend limit; the first is the condition of the statement that reserves.
  constraint auth_sessions_within_limit check (reserved + spent <= spend_limit)
);
create index auth_sessions_of_wallet on auth_sessions (wallet, created_at desc);

create table auth_tokens (
  -- The token itself is shown once and kept nowhere.
  token_sha256 bytea primary key check (octet_length(token_sha256) = 32),
  id uuid not null unique,
  session_id uuid not null references auth_sessions (id) on delete cascade,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index auth_tokens_of_session on auth_tokens (session_id);
create index auth_tokens_by_expiry on auth_tokens (expires_at);

-- Revocations signed by a wallet, each good for once.
create table auth_revocations (
  wallet char(42) not null,
  nonce char(66) not null,
  -- The zero address: all sessions.
  session_key char(42) not null,
  signature text not null,
  created_at timestamptz not null,
  primary key (wallet, nonce)
);

-- What jobs reserve from sessions: one row for the order (request_id '') and one per extension. Settled once.
create table auth_charges (
  job_id uuid not null,
  request_id text not null default '',
  session_id uuid not null references auth_sessions (id),
  reserved numeric(78, 0) not null check (reserved >= 0),
  spent numeric(78, 0) check (spent >= 0 and spent <= reserved),
  created_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  primary key (job_id, request_id),
  check ((spent is null) = (settled_at is null))
);
create index auth_charges_of_session on auth_charges (session_id);

-- Whose a provider is, and which key speaks for it now. Written when a wallet's signature for it is accepted; the wallet
-- never changes after that. It stands beside providers, not below it: a provider that is removed does not lose its name
-- to whoever registers next.
create table provider_identities (
  provider_id varchar(255) primary key,
  wallet char(42) not null check (wallet ~ '^0x[0-9a-f]{40}$'),
  node_key char(42) not null check (node_key ~ '^0x[0-9a-f]{40}$'),
  -- What the wallet signed last, as evidence and as the bounds of what the key may do. spec_hash of zeros pins nothing.
  delegation jsonb not null,
  delegation_signature text not null,
  chain_id integer not null,
  spec_hash char(66) not null check (spec_hash ~ '^0x[0-9a-f]{64}$'),
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  -- Of the last message the key had accepted: its number, and the entry it came in, which may be delivered again.
  -- Heartbeats are too many for this and are counted in Redis.
  registration_seq bigint,
  registration_entry text,
  capacity_seq bigint,
  capacity_entry text,
  -- Null for a provider that its owner claimed and whose agent has not signed anything yet.
  signed_at timestamptz,
  bound_at timestamptz not null,
  rotated_at timestamptz
);
create index provider_identities_of_wallet on provider_identities (wallet);

-- Which message each nonce of a wallet was used for: the same one may come again, another may not.
create table provider_delegations (
  wallet char(42) not null,
  nonce char(66) not null,
  digest char(66) not null,
  expires_at timestamptz not null,
  primary key (wallet, nonce)
);
create index provider_delegations_by_expiry on provider_delegations (expires_at);

-- Keys that spoke for a provider once. Their delegations may be good for months yet, and would let them back in.
create table provider_revoked_keys (
  provider_id varchar(255) not null,
  node_key char(42) not null,
  revoked_at timestamptz not null,
  primary key (provider_id, node_key)
);

-- An unsigned provider that may join all the same. The approval holds for the wallet it named when it was approved.
alter table providers
  add column approved_wallet varchar(42),
  add column approved_by text,
  add column approved_at timestamptz(3),
  add constraint providers_approved check (num_nulls(approved_wallet, approved_by, approved_at) in (0, 3));

-- The public half of the key of a job's SSH server, `ssh-ed25519 AAAA…`; the private half is in Kubernetes only.
alter table jobs add column ssh_host_key text;

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

-- What an operator or the owner ordered about a provider, beside `cordoned`; a retired one is no part of the fleet until
-- it registers again.
alter table providers
  add column drain_until timestamptz,
  add column retiring boolean not null default false,
  -- Of the figures that stand in capacity: older ones that come late change nothing.
  add column capacity_at timestamptz,
  drop constraint providers_status_check,
  add constraint providers_status_check
    check (status in ('pending', 'approved', 'joined', 'available', 'busy', 'offline', 'rejected', 'retired')),
  add constraint providers_orders
    check ((drain_until is null or cordoned) and (not retiring or cordoned) and (status <> 'retired' or cordoned));

-- Which installation of the broker this database belongs to. What it makes in a cluster carries the id, and nothing else
-- is ever taken for its own: a broker that was given another's cluster, or an empty database, removes nobody's jobs.
create table installation (
  only_one boolean primary key default true check (only_one),
  id uuid not null default gen_random_uuid()
);

-- How long a wallet has had no job, however many it has had.
create index jobs_ended_of_wallet on jobs (wallet, ended_at) where ended_at is not null;

-- Since when a node has a certificate by this token: from then on the token has done its work.
alter table join_tokens add column used_at timestamptz(3);

create table schema_migrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);

insert into providers (provider_id, wallet_addr, wallet_verified, node_name, status, status_reason, spec, capacity, offer, mining_config, agent_version, public_ip, cpu_price_per_hour, memory_price_per_gb_hour, node_uid, node_ready, allocatable, cordoned, heartbeat_alive, heartbeat_signalled, registration_at, registered_at, joined_at, updated_at, approved_wallet, approved_by, approved_at, mining_enabled, drain_until, retiring, capacity_at) values
  ('approved-unsigned', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', 'approved-unsigned', 'approved', '', '{"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "approved-unsigned.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}', '{"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}', '{"gpus": [{"type": "rtx-4090", "count": 8, "model": "NVIDIA GeForce RTX 4090", "pricePerHour": 0.4}], "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000, "cpuPricePerHour": 0.013, "memoryPricePerGbHour": 0.0021}', '{"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}', '1.2.3', '198.51.100.9', '0.013', '0.0021', NULL, 'false', NULL, 'false', 'true', 'true', '2026-11-26 06:26:01.593+00', '2026-11-26 06:27:01.593+00', NULL, '2026-11-26 06:27:01.606145+00', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', '2026-11-26 06:27:02.075+00', 'true', NULL, 'false', '2026-11-26 06:26:01.593+00'),
  ('drains', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'false', 'drains', 'available', '', '{"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "drains.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}', '{"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}', '{"gpus": [{"type": "rtx-4090", "count": 8, "model": "NVIDIA GeForce RTX 4090", "pricePerHour": 0.4}], "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000, "cpuPricePerHour": 0.013, "memoryPricePerGbHour": 0.0021}', '{"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}', '1.2.3', '198.51.100.9', '0.013', '0.0021', 'uid-of-drains', 'true', '{"gpus": 8, "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000}', 'true', 'true', 'true', '2026-11-26 06:26:01.56+00', '2026-11-26 06:27:01.561+00', '2026-11-26 06:27:01.579943+00', '2026-11-26 06:27:01.70627+00', NULL, NULL, NULL, 'true', '2199-01-01 00:00:00+00', 'true', '2026-11-26 06:26:01.56+00'),
  ('mixed', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'false', 'mixed', 'available', '', '{"os": "", "gpus": [{"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "mixed.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}', '{"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}', '{"gpus": [{"type": "a100-sxm4-80gb", "count": 4, "model": "NVIDIA A100-SXM4-80GB", "pricePerHour": 0.4}, {"type": "rtx-3090", "count": 4, "model": "NVIDIA GeForce RTX 3090", "pricePerHour": 0.4}], "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000, "cpuPricePerHour": 0.013, "memoryPricePerGbHour": 0.0021}', '{"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}', '1.2.3', '198.51.100.9', '0.013', '0.0021', 'uid-of-mixed', 'true', '{"gpus": 8, "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000}', 'false', 'true', 'true', '2026-11-26 06:26:01.485+00', '2026-11-26 06:27:01.487+00', '2026-11-26 06:27:01.506873+00', '2026-11-26 06:27:01.692109+00', NULL, NULL, NULL, 'false', NULL, 'false', '2026-11-26 06:26:01.485+00'),
  ('offline', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', 'offline', 'offline', 'its agent is silent', '{"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "offline.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}', '{"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}', '{"gpus": [{"type": "rtx-4090", "count": 8, "model": "NVIDIA GeForce RTX 4090", "pricePerHour": 0.4}], "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000, "cpuPricePerHour": 0.013, "memoryPricePerGbHour": 0.0021}', '{"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}', '1.2.3', '198.51.100.9', '0.013', '0.0021', 'uid-of-offline', 'true', '{"gpus": 8, "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000}', 'false', 'true', 'true', '2026-11-26 06:26:01.523+00', '2026-11-26 06:27:01.527+00', '2026-11-26 06:27:01.546715+00', '2026-11-26 06:27:01.702888+00', NULL, NULL, NULL, 'true', NULL, 'false', '2026-11-26 06:26:01.523+00'),
  ('pending', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'false', 'pending', 'pending', '', '{"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "pending.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}', '{"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}', '{"gpus": [{"type": "rtx-4090", "count": 8, "model": "NVIDIA GeForce RTX 4090", "pricePerHour": 0.4}], "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000, "cpuPricePerHour": 0.013, "memoryPricePerGbHour": 0.0021}', '{"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}', '1.2.3', '198.51.100.9', '0.013', '0.0021', NULL, 'false', NULL, 'false', 'true', 'true', '2026-11-26 06:26:01.613+00', '2026-11-26 06:27:01.614+00', NULL, '2026-11-26 06:27:01.614186+00', NULL, NULL, NULL, 'true', NULL, 'false', '2026-11-26 06:26:01.613+00'),
  ('retired', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', 'retired', 'retired', '', '{"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "retired.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}', '{"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}', '{"gpus": [{"type": "rtx-4090", "count": 8, "model": "NVIDIA GeForce RTX 4090", "pricePerHour": 0.4}], "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000, "cpuPricePerHour": 0.013, "memoryPricePerGbHour": 0.0021}', '{"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}', '1.2.3', '198.51.100.9', '0.013', '0.0021', NULL, 'false', NULL, 'true', 'true', 'true', '2026-11-26 06:26:01.642+00', '2026-11-26 06:27:01.642+00', NULL, '2026-11-26 06:27:01.693675+00', NULL, NULL, NULL, 'true', NULL, 'false', '2026-11-26 06:26:01.641+00'),
  ('serves', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', 'serves', 'available', '', '{"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "serves.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}', '{"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "availableUntil": "2199-01-01T00:00:00.000Z", "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}', '{"gpus": [{"type": "rtx-4090", "count": 8, "model": "NVIDIA GeForce RTX 4090", "pricePerHour": 0.4}], "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000, "cpuPricePerHour": 0.013, "memoryPricePerGbHour": 0.0021}', '{"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}', '1.2.3', '198.51.100.9', '0.013', '0.0021', 'uid-of-serves', 'true', '{"gpus": 8, "cpuCores": 64, "memoryMb": 262144, "storageGb": 2000}', 'false', 'true', 'true', '2026-11-26 06:26:01.367+00', '2026-11-26 06:27:01.423+00', '2026-11-26 06:27:01.453337+00', '2026-11-26 06:27:01.453337+00', NULL, NULL, NULL, 'true', NULL, 'false', '2026-11-26 06:26:01.367+00');

insert into provider_heartbeats (provider_id, last_heartbeat, telemetry) values
  ('approved-unsigned', '2026-11-26 06:26:01.593+00', NULL),
  ('drains', '2026-11-26 06:26:01.56+00', NULL),
  ('mixed', '2026-11-26 06:26:01.485+00', NULL),
  ('offline', '2026-11-26 06:26:01.523+00', NULL),
  ('pending', '2026-11-26 06:26:01.613+00', NULL),
  ('retired', '2026-11-26 06:26:01.641+00', NULL),
  ('serves', '2026-11-26 06:27:01.68+00', '{"status": "available", "cpu_usage": 3, "gpu_usage": [7], "node_name": "serves", "active_jobs": 1, "memory_usage": 9}');

insert into provider_registrations (message_id, provider_id, registration, wallet, signed, received_at) values
  ('provider:registration/1795674361367-0/serves', 'serves', '{"spec": {"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "serves.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}, "capacity": {"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "availableUntil": "2199-01-01T00:00:00.000Z", "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}, "providerId": "serves", "walletAddr": "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "agentVersion": "1.2.3", "miningConfig": {"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}}', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', '2026-11-26 06:26:01.367+00'),
  ('provider:registration/1795674361485-0/mixed', 'mixed', '{"spec": {"os": "", "gpus": [{"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "mixed.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}, "capacity": {"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}, "providerId": "mixed", "walletAddr": "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "agentVersion": "1.2.3", "miningConfig": {"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}}', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'false', '2026-11-26 06:26:01.485+00'),
  ('provider:registration/1795674361523-0/offline', 'offline', '{"spec": {"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "offline.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}, "capacity": {"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}, "providerId": "offline", "walletAddr": "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "agentVersion": "1.2.3", "miningConfig": {"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}}', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', '2026-11-26 06:26:01.523+00'),
  ('provider:registration/1795674361560-0/drains', 'drains', '{"spec": {"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "drains.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}, "capacity": {"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}, "providerId": "drains", "walletAddr": "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "agentVersion": "1.2.3", "miningConfig": {"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}}', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'false', '2026-11-26 06:26:01.56+00'),
  ('provider:registration/1795674361593-0/approved-unsigned', 'approved-unsigned', '{"spec": {"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "approved-unsigned.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}, "capacity": {"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}, "providerId": "approved-unsigned", "walletAddr": "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "agentVersion": "1.2.3", "miningConfig": {"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}}', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', '2026-11-26 06:26:01.593+00'),
  ('provider:registration/1795674361613-0/pending', 'pending', '{"spec": {"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "pending.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}, "capacity": {"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}, "providerId": "pending", "walletAddr": "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "agentVersion": "1.2.3", "miningConfig": {"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}}', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'false', '2026-11-26 06:26:01.613+00'),
  ('provider:registration/1795674361641-0/retired', 'retired', '{"spec": {"os": "", "gpus": [{"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-0", "index": 0, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-1", "index": 1, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-2", "index": 2, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-3", "index": 3, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-4", "index": 4, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-5", "index": 5, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-6", "index": 6, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}, {"name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-7", "index": 7, "memoryMb": 24564, "pciBusId": "", "cudaVersion": "12.4", "driverVersion": ""}], "cpuCores": 64, "cpuModel": "", "hostname": "retired.example.org", "totalGpus": 8, "cpuThreads": 0, "totalDiskGb": 2000, "architecture": "x86_64", "kernelVersion": "", "totalMemoryMb": 262144, "availableDiskGb": 2000}, "capacity": {"cpuCores": 64, "gpuCount": 8, "memoryMb": 262144, "totalGpus": {}, "totalDiskGb": 0, "totalCpuCores": 0, "totalMemoryMb": 0, "cpuPricePerHour": 0.013, "gpuPricePerHour": 0.4, "gpuPricesPerHour": {}, "memoryPricePerGbHour": 0.0021}, "providerId": "retired", "walletAddr": "0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "agentVersion": "1.2.3", "miningConfig": {"image": "docker.io/miners/one:1", "envVars": {"POOL": "one"}, "cpuCores": 0, "gpuCount": 2, "memoryMb": 0, "bootnodes": [], "extraArgs": [], "rpcEnabled": false}}', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', 'true', '2026-11-26 06:26:01.641+00');

insert into provider_resources (provider_id, kind, name, model, total, target, rented, price_per_hour) values
  ('approved-unsigned', 'cpu', '', '', '0', '0', '0', '0'),
  ('approved-unsigned', 'gpu', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '0', '0', '0', '0.4'),
  ('approved-unsigned', 'memory', '', '', '0', '0', '0', '0'),
  ('approved-unsigned', 'storage', '', '', '0', '0', '0', '0'),
  ('drains', 'cpu', '', '', '64', '64', '0', '0'),
  ('drains', 'gpu', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '8', '8', '0', '0.4'),
  ('drains', 'memory', '', '', '262144', '262144', '0', '0'),
  ('drains', 'storage', '', '', '2000', '2000', '0', '0'),
  ('mixed', 'cpu', '', '', '64', '64', '4', '0'),
  ('mixed', 'gpu', 'a100-sxm4-80gb', 'NVIDIA A100-SXM4-80GB', '4', '4', '2', '0.4'),
  ('mixed', 'gpu', 'rtx-3090', 'NVIDIA GeForce RTX 3090', '4', '4', '0', '0.4'),
  ('mixed', 'memory', '', '', '262144', '262144', '16384', '0'),
  ('mixed', 'storage', '', '', '2000', '2000', '20', '0'),
  ('offline', 'cpu', '', '', '64', '64', '0', '0'),
  ('offline', 'gpu', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '8', '8', '0', '0.4'),
  ('offline', 'memory', '', '', '262144', '262144', '0', '0'),
  ('offline', 'storage', '', '', '2000', '2000', '0', '0'),
  ('pending', 'cpu', '', '', '0', '0', '0', '0'),
  ('pending', 'gpu', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '0', '0', '0', '0.4'),
  ('pending', 'memory', '', '', '0', '0', '0', '0'),
  ('pending', 'storage', '', '', '0', '0', '0', '0'),
  ('retired', 'cpu', '', '', '0', '0', '0', '0'),
  ('retired', 'gpu', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '0', '0', '0', '0.4'),
  ('retired', 'memory', '', '', '0', '0', '0', '0'),
  ('retired', 'storage', '', '', '0', '0', '0', '0'),
  ('serves', 'cpu', '', '', '64', '64', '12', '0'),
  ('serves', 'gpu', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '8', '8', '2', '0.4'),
  ('serves', 'memory', '', '', '262144', '262144', '49152', '0'),
  ('serves', 'storage', '', '', '2000', '2000', '60', '0');

insert into jobs (job_id, wallet, session_id, idempotency_key, request_sha256, job_name, image, gpu_type, requested_provider, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s, max_price_per_hour, ssh_public_keys, env, status, provider_id, gpu_model, price_per_hour, ssh_host, ssh_port, pod_uid, message, failure_reason, failure_message, reserved_amount, created_at, started_at, expires_at, ended_at, updated_at, ssh_host_key) values
  ('10000000-0000-4000-8000-000000000001', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000001', 'sha-of-10000000-0000-4000-8000-000000000001', 'training', 'docker.io/library/debian:12', 'rtx-4090', 'serves', '1', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{"SECRET": "value"}', 'running', 'serves', 'NVIDIA GeForce RTX 4090', '0.4856', '198.51.100.9', '30022', 'pod-of-10000000-0000-4000-8000-000000000001', '', NULL, NULL, '2000000000000000000', '2026-11-26 06:27:01.843+00', '2026-11-26 06:17:01.83+00', '2126-11-02 06:17:01.83+00', NULL, '2026-11-26 06:27:01.885+00', 'ssh-ed25519 AAAAhost'),
  ('10000000-0000-4000-8000-000000000002', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000002', 'sha-of-10000000-0000-4000-8000-000000000002', 'training', 'docker.io/library/debian:12', 'a100-sxm4-80gb', 'mixed', '2', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{"SECRET": "value"}', 'running', 'mixed', 'NVIDIA A100-SXM4-80GB', '0.8856', '198.51.100.9', '30022', 'pod-of-10000000-0000-4000-8000-000000000002', '', NULL, NULL, '2000000000000000000', '2026-11-26 06:27:01.893+00', '2026-11-26 06:17:01.83+00', '2126-11-02 06:17:01.83+00', NULL, '2026-11-26 06:27:01.91+00', NULL),
  ('10000000-0000-4000-8000-000000000003', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000003', 'sha-of-10000000-0000-4000-8000-000000000003', 'training', 'docker.io/library/debian:12', NULL, 'serves', '0', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{"SECRET": "value"}', 'provisioning', 'serves', NULL, '0.0856', NULL, NULL, NULL, '', NULL, NULL, '2000000000000000000', '2026-11-26 06:27:01.914+00', NULL, NULL, NULL, '2026-11-26 06:27:01.929+00', NULL),
  ('10000000-0000-4000-8000-000000000004', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000004', 'sha-of-10000000-0000-4000-8000-000000000004', 'training', 'docker.io/library/debian:12', NULL, NULL, '1', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{"SECRET": "value"}', 'pending', NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, '2000000000000000000', '2026-11-26 06:27:01.93+00', NULL, NULL, NULL, '2026-11-26 06:27:01.93+00', NULL),
  ('10000000-0000-4000-8000-000000000005', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000005', 'sha-of-10000000-0000-4000-8000-000000000005', 'training', 'docker.io/library/debian:12', 'rtx-4090', 'serves', '1', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{"SECRET": "value"}', 'ending', 'serves', 'NVIDIA GeForce RTX 4090', '0.4856', '198.51.100.9', '30022', 'pod-of-10000000-0000-4000-8000-000000000005', 'cancelled by its owner', NULL, NULL, '2000000000000000000', '2026-11-26 06:27:01.94+00', '2026-11-26 06:17:01.83+00', '2126-11-02 06:17:01.83+00', NULL, '2026-11-26 06:27:01.954+00', 'ssh-ed25519 AAAAhost'),
  ('10000000-0000-4000-8000-000000000006', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000006', 'sha-of-10000000-0000-4000-8000-000000000006', 'training', 'docker.io/library/debian:12', 'rtx-4090', 'serves', '1', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{}', 'completed', 'serves', 'NVIDIA GeForce RTX 4090', '0.4856', '198.51.100.9', '30022', 'pod-of-10000000-0000-4000-8000-000000000006', 'its program ended', NULL, NULL, '2000000000000000000', '2026-11-26 06:27:01.962+00', '2026-11-26 06:17:01.83+00', '2126-11-02 06:17:01.83+00', '2026-11-26 06:27:01.993+00', '2026-11-26 06:27:01.993+00', 'ssh-ed25519 AAAAhost'),
  ('10000000-0000-4000-8000-000000000007', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000007', 'sha-of-10000000-0000-4000-8000-000000000007', 'training', 'docker.io/library/debian:12', 'rtx-4090', 'serves', '1', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{}', 'failed', 'serves', 'NVIDIA GeForce RTX 4090', '0.4856', NULL, NULL, NULL, 'the image cannot be pulled', 'image_pull_failed', 'the image cannot be pulled', '2000000000000000000', '2026-11-26 06:27:01.998+00', NULL, NULL, '2026-11-26 06:27:02.041+00', '2026-11-26 06:27:02.041+00', NULL),
  ('10000000-0000-4000-8000-000000000008', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '00000000-0000-4000-8000-000000000001', 'key-of-10000000-0000-4000-8000-000000000008', 'sha-of-10000000-0000-4000-8000-000000000008', 'training', 'docker.io/library/debian:12', NULL, NULL, '1', '4', '16384', '20', '3600', '2', '{"ssh-ed25519 AAAA customer"}', '{}', 'cancelled', NULL, NULL, NULL, NULL, NULL, NULL, 'cancelled by its owner', NULL, NULL, '2000000000000000000', '2026-11-26 06:27:02.043+00', NULL, NULL, '2026-11-26 06:27:02.059+00', '2026-11-26 06:27:02.059+00', NULL);

insert into allocations (job_id, provider_id, wallet, gpu_type, gpu_model, gpu_count, cpu_cores, memory_mb, storage_gb, price_per_hour, node_name, allocated_at, released_at) values
  ('10000000-0000-4000-8000-000000000001', 'serves', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '1', '4', '16384', '20', '0.4856', 'serves', '2026-11-26 06:27:01.852627+00', NULL),
  ('10000000-0000-4000-8000-000000000002', 'mixed', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'a100-sxm4-80gb', 'NVIDIA A100-SXM4-80GB', '2', '4', '16384', '20', '0.8856', 'mixed', '2026-11-26 06:27:01.904082+00', NULL),
  ('10000000-0000-4000-8000-000000000003', 'serves', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', NULL, NULL, '0', '4', '16384', '20', '0.0856', 'serves', '2026-11-26 06:27:01.923859+00', NULL),
  ('10000000-0000-4000-8000-000000000005', 'serves', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '1', '4', '16384', '20', '0.4856', 'serves', '2026-11-26 06:27:01.948108+00', NULL),
  ('10000000-0000-4000-8000-000000000006', 'serves', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '1', '4', '16384', '20', '0.4856', 'serves', '2026-11-26 06:27:01.969983+00', '2026-11-26 06:27:01.979838+00'),
  ('10000000-0000-4000-8000-000000000007', 'serves', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'rtx-4090', 'NVIDIA GeForce RTX 4090', '1', '4', '16384', '20', '0.4856', 'serves', '2026-11-26 06:27:02.008089+00', '2026-11-26 06:27:02.025738+00'),
  ('10000000-0000-4000-8000-000000000008', NULL, NULL, NULL, NULL, '0', '0', '0', '0', '0', NULL, '2026-11-26 06:27:02.049493+00', '2026-11-26 06:27:02.049493+00');

insert into join_tokens (token_id, provider_id, message_id, node_name, created_at, expires_at, deleted_at, used_at) values
  ('53v1uq', 'offline', 'provider:registration/1795674361523-0/offline', 'offline', '2026-11-26 06:27:01.541+00', '2026-11-26 07:27:01.541+00', '2026-11-26 06:27:01.546+00', '2026-11-26 06:27:01.544+00'),
  ('avam83', 'approved-unsigned', 'provider:registration/1795674361593-0/approved-unsigned', 'approved-unsigned', '2026-11-26 06:27:01.605+00', '2026-11-26 07:27:01.605+00', NULL, NULL),
  ('di4aka', 'mixed', 'provider:registration/1795674361485-0/mixed', 'mixed', '2026-11-26 06:27:01.498+00', '2026-11-26 07:27:01.498+00', '2026-11-26 06:27:01.506+00', '2026-11-26 06:27:01.505+00'),
  ('m80zx3', 'drains', 'provider:registration/1795674361560-0/drains', 'drains', '2026-11-26 06:27:01.573+00', '2026-11-26 07:27:01.573+00', '2026-11-26 06:27:01.579+00', '2026-11-26 06:27:01.579+00'),
  ('wwc65p', 'serves', 'provider:registration/1795674361367-0/serves', 'serves', '2026-11-26 06:27:01.445+00', '2026-11-26 07:27:01.445+00', '2026-11-26 06:27:01.452+00', '2026-11-26 06:27:01.449+00'),
  ('xncjrh', 'retired', 'provider:registration/1795674361641-0/retired', 'retired', '2026-11-26 06:27:01.658+00', '2026-11-26 07:27:01.658+00', '2026-11-26 06:27:01.665+00', '2026-11-26 06:27:01.663+00');

insert into auth_wallets (wallet, logins_void_before) values
  ('0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', NULL),
  ('0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', NULL);

insert into auth_sessions (id, wallet, session_key, chain_id, wallet_kind, scopes, spend_limit, reserved, spent, delegation, signature, label, created_at, expires_at, revoked_at, last_used_at, created_ip, user_agent) values
  ('00000000-0000-4000-8000-000000000001', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '0x1111111111111111111111111111111111111111', '1', 'eoa', '{jobs:read,jobs:write}', '1000000000000000000000', '10485600000000000000', '40466666666666667', '{"scopes": "jobs:read jobs:write", "wallet": "0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"}', '0xcccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'laptop', '2026-11-26 06:27:01.117+00', '2126-11-02 06:27:01.117+00', NULL, NULL, '198.51.100.7/32', 'curl/8'),
  ('00000000-0000-4000-8000-000000000002', '0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '0x2222222222222222222222222222222222222222', '1', 'eoa', '{jobs:read,jobs:write}', '5000000000000000000', '0', '0', '{"scopes": "jobs:read jobs:write", "wallet": "0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"}', '0xcccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', NULL, '2026-11-26 06:27:01.117+00', '2026-11-27 06:27:01.117+00', '2026-11-26 06:27:01.117+00', NULL, NULL, NULL),
  ('00000000-0000-4000-8000-000000000003', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', '0x3333333333333333333333333333333333333333', '1', 'eoa', '{jobs:read,jobs:write}', '0', '0', '0', '{"scopes": "jobs:read jobs:write", "wallet": "0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"}', '0xcccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', NULL, '2026-11-26 06:27:01.117+00', '2026-11-27 06:27:01.117+00', NULL, NULL, NULL, NULL);

insert into auth_tokens (token_sha256, id, session_id, scopes, created_at, expires_at, revoked_at) values
  (E'\\x3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0', '23cd8694-5e1d-404f-97b0-8c516b26aeac', '00000000-0000-4000-8000-000000000001', '{jobs:read}', '2026-11-26 06:27:02.063958+00', '2126-11-26 06:27:02.063958+00', NULL);

insert into auth_revocations (wallet, nonce, session_key, signature, created_at) values
  ('0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '0x4444444444444444444444444444444444444444444444444444444444444444', '0x2222222222222222222222222222222222222222', '0xdddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', '2026-11-26 06:27:01.117+00');

insert into auth_charges (job_id, request_id, session_id, reserved, spent, created_at, settled_at) values
  ('10000000-0000-4000-8000-000000000001', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', NULL, '2026-11-26 06:27:01.847424+00', NULL),
  ('10000000-0000-4000-8000-000000000001', 'longer', '00000000-0000-4000-8000-000000000001', '485600000000000000', NULL, '2026-11-26 06:27:01.890961+00', NULL),
  ('10000000-0000-4000-8000-000000000002', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', NULL, '2026-11-26 06:27:01.897971+00', NULL),
  ('10000000-0000-4000-8000-000000000003', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', NULL, '2026-11-26 06:27:01.915187+00', NULL),
  ('10000000-0000-4000-8000-000000000004', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', NULL, '2026-11-26 06:27:01.931377+00', NULL),
  ('10000000-0000-4000-8000-000000000005', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', NULL, '2026-11-26 06:27:01.941675+00', NULL),
  ('10000000-0000-4000-8000-000000000006', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', '40466666666666667', '2026-11-26 06:27:01.964638+00', '2026-11-26 06:27:01.991026+00'),
  ('10000000-0000-4000-8000-000000000007', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', '0', '2026-11-26 06:27:02.000697+00', '2026-11-26 06:27:02.035051+00'),
  ('10000000-0000-4000-8000-000000000008', '', '00000000-0000-4000-8000-000000000001', '2000000000000000000', '0', '2026-11-26 06:27:02.044276+00', '2026-11-26 06:27:02.05821+00');

insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash, issued_at, expires_at, registration_seq, registration_entry, capacity_seq, capacity_entry, signed_at, bound_at, rotated_at) values
  ('serves', '0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', '0x5555555555555555555555555555555555555555', '{"providerId": "serves"}', '0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', '1', '0x0000000000000000000000000000000000000000000000000000000000000000', '2026-11-26 06:27:02.068972+00', '2126-11-26 06:27:02.068972+00', '7', '1-0', NULL, NULL, '2026-11-26 06:27:02.068972+00', '2026-11-26 06:27:02.068972+00', NULL);

insert into provider_delegations (wallet, nonce, digest, expires_at) values
  ('0xb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2', '0x6666666666666666666666666666666666666666666666666666666666666666', '0x7777777777777777777777777777777777777777777777777777777777777777', '2026-11-26 06:27:02.070508+00');

insert into provider_revoked_keys (provider_id, node_key, revoked_at) values
  ('serves', '0x8888888888888888888888888888888888888888', '2026-11-26 06:27:02.074108+00');

insert into provider_mining (provider_id, miners, reason, running, waiting, failing, updated_at) values
  ('drains', '2', '', '0', '0', '0', '2026-11-26 06:27:01.587352+00'),
  ('mixed', '2', '', '0', '0', '0', '2026-11-26 06:27:01.519431+00'),
  ('offline', '2', '', '0', '0', '0', '2026-11-26 06:27:01.554802+00'),
  ('retired', '2', '', '0', '0', '0', '2026-11-26 06:27:01.678703+00'),
  ('serves', '2', '', '1', '1', '0', '2026-11-26 06:27:01.687432+00');

insert into installation (only_one, id) values
  ('true', 'f13410d1-c51e-4a1f-a66b-7f8eb5573463');

insert into schema_migrations (id, name, run_on) values
  ('1', '0001_providers', '2026-11-26 06:27:00.84235'),
  ('10', '0020_installation', '2026-11-26 06:27:00.84235'),
  ('11', '0021_join_token_use', '2026-11-26 06:27:00.84235'),
  ('2', '0002_jobs', '2026-11-26 06:27:00.84235'),
  ('3', '0003_allocations', '2026-11-26 06:27:00.84235'),
  ('4', '0004_join_tokens', '2026-11-26 06:27:00.84235'),
  ('5', '0010_auth', '2026-11-26 06:27:00.84235'),
  ('6', '0011_provider_identity', '2026-11-26 06:27:00.84235'),
  ('7', '0012_ssh_host_key', '2026-11-26 06:27:00.84235'),
  ('8', '0013_mining', '2026-11-26 06:27:00.84235'),
  ('9', '0014_provider_operations', '2026-11-26 06:27:00.84235');
select setval('schema_migrations_id_seq', (select max(id) from schema_migrations));
