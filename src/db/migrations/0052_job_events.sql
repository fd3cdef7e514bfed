-- What happened to a job, for its customer. `seq` counts within the job, without a gap; `id` grows with every event of a
-- wallet, in the order in which they become visible: whoever writes one holds the wallet's lock until it is committed.
create table job_events (
  id bigint generated always as identity,
  job_id uuid not null,
  seq integer not null check (seq > 0),
  wallet varchar(42) not null,
  at timestamptz(3) not null default clock_timestamp(),
  kind text not null,
  text text not null,
  data jsonb not null default '{}',
  primary key (job_id, seq)
);
create index job_events_of_wallet on job_events (wallet, id);

alter table jobs
  -- The `seq` of the last event: the statement that changes a job counts it.
  add column event_count integer not null default 0 check (event_count >= 0),
  -- The last step of the job. Null for one that a version before this wrote.
  add column phase text,
  add column ended_by text check (ended_by in ('you', 'expiry', 'owner', 'operator', 'provider')),
  -- Since when its provider does not serve it, while that lasts.
  add column away_since timestamptz(3),
  -- The expiry that was announced to the customer.
  add column announced_expiry timestamptz(3);
