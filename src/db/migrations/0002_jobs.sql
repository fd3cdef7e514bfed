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
