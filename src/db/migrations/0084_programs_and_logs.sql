-- The main program of a job. What is run is kept as its variables are, and forgotten with them.
alter table jobs
  add column program jsonb,
  add column program_restart text,
  add column ends_with_program boolean,
  -- How the program ended, where the job ended with it.
  add column program_exit_code integer;

-- The last of what the program of an ended job has written. Only the job's customer reads it.
create table job_logs (
  job_id uuid primary key,
  saved_at timestamptz(3) not null default clock_timestamp(),
  -- As the machine gave it: each line with its time before it, in bytes that need not be text.
  log bytea not null check (octet_length(log) <= 262144)
);
create index job_logs_by_time on job_logs (saved_at);
