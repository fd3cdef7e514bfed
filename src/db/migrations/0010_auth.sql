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

-- Down Migration

drop table auth_charges;
drop table auth_revocations;
drop table auth_tokens;
drop table auth_sessions;
drop table auth_wallets;
