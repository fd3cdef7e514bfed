-- What the broker sends to a chain: each row is committed before anything of it is sent, so that a process which dies
-- while sending leaves behind exactly what it may have sent.
create table chain_tx (
  id uuid primary key default gen_random_uuid(),
  -- Names what is wanted (execute:12), so that it is sent once however often it is asked for.
  purpose text not null unique check (length(purpose) between 1 and 200),
  chain_id bigint not null,
  to_address char(42) not null,
  data bytea not null,
  signer char(42) not null,
  nonce bigint not null check (nonce >= 0),
  gas bigint not null check (gas > 0),
  -- Wei for a unit of gas: max_fee and priority_fee, or gas_price on chains without a base fee.
  fee jsonb not null check (jsonb_typeof(fee) = 'object'),
  -- Everything that was ever signed for the purpose, the last one at the end: any of it may have been mined.
  raw bytea[] not null,
  hashes text[] not null check (cardinality(hashes) = cardinality(raw) and cardinality(hashes) > 0),
  -- submitted: perhaps sent. mined: in a block that is not final. lost: its nonce was used by something else.
  status text not null default 'submitted' check (status in ('submitted', 'mined', 'final', 'reverted', 'lost')),
  block_number bigint,
  block_hash char(66),
  -- What an operator has to know: gas (dearer than is allowed), coin (the signer cannot pay for gas).
  waits_for text check (waits_for in ('gas', 'coin')),
  waits_since timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  -- When the last of `raw` was signed.
  signed_at timestamptz not null default clock_timestamp(),
  unique (chain_id, signer, nonce)
);
create index chain_tx_open on chain_tx (chain_id, signer, nonce) where status in ('submitted', 'mined');
