-- A job that its machine did not start is placed anew, under the same id. `attempt` is the placement that a row belongs to,
-- or, once `vacated`, the one that may come next: an earlier one that arrives late takes nothing. A row that is released and
-- not vacated is closed for good, as before. `failed_at` are the providers that did not start it.
alter table allocations
  add column attempt integer not null default 1 check (attempt > 0),
  add column vacated boolean not null default false,
  add column failed_at text[] not null default '{}',
  add check (not vacated or released_at is not null);
