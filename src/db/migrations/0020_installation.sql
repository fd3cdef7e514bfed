-- Which installation of the broker this database belongs to. What it makes in a cluster carries the id, and nothing else
-- is ever taken for its own: a broker that was given another's cluster, or an empty database, removes nobody's jobs.
create table installation (
  only_one boolean primary key default true check (only_one),
  id uuid not null default gen_random_uuid()
);

-- How long a wallet has had no job, however many it has had.
create index jobs_ended_of_wallet on jobs (wallet, ended_at) where ended_at is not null;
