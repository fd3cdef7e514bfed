-- What a job's bill is worked out from, beside its times.
--
-- `rate` is what the whole job costs per hour in base units (10^-18 of a token), frozen when it is placed. Jobs that
-- were placed before this migration have none: theirs follows from price_per_hour.
alter table jobs
  add column rate numeric(78, 0) check (rate >= 0),
  -- What the bill came to: until when the customer was served, and how much of that he pays for.
  add column served_until timestamptz(3),
  add column billed_ms bigint check (billed_ms >= 0),
  -- What a failed job had too little of, where that is known.
  add column failure_cause text check (failure_cause in ('out_of_memory', 'disk_full'));

-- `ordered` is what was reserved first, before anything was given back; `seconds` is what an extension adds to the
-- expiry. Both are null in rows of versions that did not write them.
alter table auth_charges
  add column ordered numeric(78, 0) check (ordered >= 0),
  add column seconds integer check (seconds > 0);

-- Time in which the provider did not serve a job although it ran. Written down when the gap ends; not billed.
create table job_gaps (
  job_id uuid not null,
  from_at timestamptz(3) not null,
  to_at timestamptz(3) not null,
  cause text not null check (cause in ('silent', 'node_not_ready', 'gpu_lost')),
  primary key (job_id, from_at),
  check (to_at > from_at)
);

-- The node that an allocation is on. A machine that is set up anew has another one, and what ran on the old one is lost.
alter table allocations add column node_uid text;
