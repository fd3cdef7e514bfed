-- The keys by which the broker signs its answers to providers, one after the other; the last one signs. Each but the first
-- was introduced by the one before it. A private key stays here until another key took its place, and never leaves the
-- processes of the broker.
create table broker_keys (
  generation integer primary key check (generation > 0),
  address char(42) not null unique check (address ~ '^0x[0-9a-f]{40}$'),
  private_key bytea check (length(private_key) = 32),
  -- Unix seconds, as they are signed.
  since bigint not null,
  introduction text,
  check ((introduction is null) = (generation = 1))
);
