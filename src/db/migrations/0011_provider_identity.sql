-- Whose a provider is, and which key speaks for it now. Written when a wallet's signature for it is accepted; the wallet
-- never changes after that. It stands beside providers, not below it: a provider that is removed does not lose its name
-- to whoever registers next.
create table provider_identities (
  provider_id varchar(255) primary key,
  wallet char(42) not null check (wallet ~ '^0x[0-9a-f]{40}$'),
  node_key char(42) not null check (node_key ~ '^0x[0-9a-f]{40}$'),
  -- What the wallet signed last, as evidence and as the bounds of what the key may do. spec_hash of zeros pins nothing.
  delegation jsonb not null,
  delegation_signature text not null,
  chain_id integer not null,
  spec_hash char(66) not null check (spec_hash ~ '^0x[0-9a-f]{64}$'),
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  -- Of the last message the key had accepted: its number, and the entry it came in, which may be delivered again.
  -- Heartbeats are too many for this and are counted in Redis.
  registration_seq bigint,
  registration_entry text,
  capacity_seq bigint,
  capacity_entry text,
  -- Null for a provider that its owner claimed and whose agent has not signed anything yet.
  signed_at timestamptz,
  bound_at timestamptz not null,
  rotated_at timestamptz
);
create index provider_identities_of_wallet on provider_identities (wallet);

-- Which message each nonce of a wallet was used for: the same one may come again, another may not.
create table provider_delegations (
  wallet char(42) not null,
  nonce char(66) not null,
  digest char(66) not null,
  expires_at timestamptz not null,
  primary key (wallet, nonce)
);
create index provider_delegations_by_expiry on provider_delegations (expires_at);

-- Keys that spoke for a provider once. Their delegations may be good for months yet, and would let them back in.
create table provider_revoked_keys (
  provider_id varchar(255) not null,
  node_key char(42) not null,
  revoked_at timestamptz not null,
  primary key (provider_id, node_key)
);

-- An unsigned provider that may join all the same. The approval holds for the wallet it named when it was approved.
alter table providers
  add column approved_wallet varchar(42),
  add column approved_by text,
  add column approved_at timestamptz(3),
  add constraint providers_approved check (num_nulls(approved_wallet, approved_by, approved_at) in (0, 3));
