-- The broker asks the SSH servers of jobs what they use, with keys that are derived from this one.
alter table installation
  add column observer_key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

-- What a running job's machine last said about the main program and the GPUs, to tell what has changed; gone with the end
-- of the job.
create table job_watches (
  job_id uuid primary key,
  -- Not before this is it asked again.
  next_at timestamptz(3) not null default clock_timestamp(),
  -- Null until it has answered.
  program_state text,
  program_restarts bigint,
  gpus_lost boolean not null default false,
  -- Events that this has written, which are no more than so many for each job.
  events integer not null default 0
);
create index job_watches_by_time on job_watches (next_at);
