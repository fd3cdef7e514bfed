-- Whether this database was restored from a backup. `mark` counts the reconciler's runs; the cluster keeps the highest that it
-- has seen. `timeline` is that of the server's log, which changes when a server is restored or another one takes over.
alter table installation
  add column mark bigint not null default 0,
  add column marked_at timestamptz,
  add column timeline text;

-- Each time that the database was found to be restored. While one is open, nothing is removed that the database may
-- merely have forgotten.
create table restores (
  id bigint generated always as identity primary key,
  found_at timestamptz not null default clock_timestamp(),
  why text not null check (why in ('older', 'timeline')),
  -- The last time at which the database is known to have been complete; null if it never was marked.
  known_until timestamptz,
  -- When steps of jobs that their workflows remember were written again.
  steps_written_at timestamptz,
  -- While that is under way: the last job that was reached, and whether some have to be tried again.
  steps_written_after uuid,
  steps_failed boolean not null default false,
  -- When all pods were first compared with jobs since then: pods that are gone later ended later.
  pods_seen_at timestamptz,
  -- Pods of jobs that this database does not know, as last seen: [{jobId, namespace, name, node, createdAt, workflow}, …].
  kept jsonb not null default '[]' check (jsonb_typeof(kept) = 'array'),
  over_at timestamptz,
  over_by text check (length(over_by) between 1 and 42),
  note text check (length(note) between 1 and 500),
  check ((over_at is null) = (over_by is null) and (over_at is null) = (note is null))
);
create unique index restores_open on restores ((true)) where over_at is null;

-- For the operator, when he has looked: from here on, the reconciler removes again what no job needs.
create function restore_is_over(by_whom text, what_he_found text) returns timestamptz language plpgsql as $$
declare ended timestamptz;
begin
  update restores set over_at = clock_timestamp(), over_by = by_whom, note = what_he_found
   where over_at is null returning over_at into ended;
  if ended is null then
    raise exception 'no restore is open: there is nothing to end';
  end if;
  return ended;
end $$;

-- For the operator: sessions that were revoked after the backup live again, and nobody knows which ones they are. Logins
-- that were begun before are void, too. Jobs go on.
create function end_all_sessions() returns bigint language plpgsql as $$
declare ended bigint;
begin
  update auth_wallets set logins_void_before = clock_timestamp();
  update auth_sessions set revoked_at = clock_timestamp() where revoked_at is null;
  get diagnostics ended = row_count;
  return ended;
end $$;
