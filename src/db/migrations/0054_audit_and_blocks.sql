-- What operators and owners changed, and asked the broker to change. Rows are only added, and removed by their age. An actor's
-- session may be gone before its rows, so nothing refers to it.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor varchar(42) not null,
  -- Null where the request itself proved its sender, without a session.
  session_id uuid,
  -- As the API saw it: of the client, or of a proxy in front of it.
  ip text not null check (length(ip) <= 64),
  -- Subject and verb, such as provider.drain.
  action text not null check (action ~ '^[a-z_]+\.[a-z_]+$' and length(action) <= 64),
  target text not null check (length(target) <= 512),
  detail jsonb not null default '{}' check (jsonb_typeof(detail) = 'object'),
  request_id text not null check (length(request_id) <= 64)
);
create index audit_log_by_time on audit_log (at);
create index audit_log_by_actor on audit_log (actor, id);
create index audit_log_by_target on audit_log (target, id);
create index audit_log_by_action on audit_log (action, id);

-- Whom and what operators keep out, until a time or for good.
create table blocks (
  kind text not null check (kind in ('wallet', 'provider', 'image')),
  value text not null check (length(value) between 1 and 512),
  reason text not null check (length(reason) between 1 and 500),
  until timestamptz,
  blocked_by varchar(42) not null,
  blocked_at timestamptz not null default now(),
  primary key (kind, value)
);
create index blocks_that_end on blocks (until) where until is not null;
