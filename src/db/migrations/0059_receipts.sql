-- Receipts: what the broker signs about each settlement. Rows are only added.
create table receipts (
  -- What is signed (EIP-712).
  digest bytea primary key check (octet_length(digest) = 32),
  customer char(42) not null,
  -- Counts a customer's receipts from 1, without a hole; each names the digest of the one before it.
  number bigint not null check (number > 0),
  previous bytea not null check (octet_length(previous) = 32),
  job_id uuid not null,
  -- 0 is the settlement; each refund adds one, with the corrected totals.
  revision integer not null default 0 check (revision >= 0),
  payee char(42) not null,
  chain_id bigint not null,
  message jsonb not null check (jsonb_typeof(message) = 'object'),
  issued_at timestamptz(3) not null,
  unique (customer, number),
  unique (job_id, revision)
);
create index receipts_by_time on receipts (issued_at desc, digest desc);
create index receipts_of_payee on receipts (payee, issued_at desc, digest desc);

-- Several may sign one receipt; for now the broker alone does.
create table receipt_signatures (
  digest bytea not null references receipts (digest),
  signer char(42) not null check (signer ~ '^0x[0-9a-f]{40}$'),
  signature bytea not null check (octet_length(signature) = 65),
  signed_at timestamptz not null default clock_timestamp(),
  primary key (digest, signer)
);

-- Receipts that the broker has still to sign. `tried_at` is set when it would not.
create table receipts_to_sign (
  digest bytea primary key references receipts (digest),
  issued_at timestamptz(3) not null,
  tried_at timestamptz
);

-- The keys that signed, for ever: a receipt is checked with the key that was valid when it was issued. A key may be valid
-- more than once; one is valid now.
create table receipt_keys (
  id bigint generated always as identity primary key,
  address char(42) not null check (address ~ '^0x[0-9a-f]{40}$'),
  valid_from timestamptz(3) not null,
  valid_until timestamptz(3) check (valid_until >= valid_from)
);
create unique index receipt_keys_current on receipt_keys ((true)) where valid_until is null;

create trigger receipts_only_grow before update or delete or truncate on receipts
  for each statement execute function ledger_only_grows();
create trigger receipt_signatures_only_grow before update or delete or truncate on receipt_signatures
  for each statement execute function ledger_only_grows();
create trigger receipt_keys_stay before delete or truncate on receipt_keys
  for each statement execute function ledger_only_grows();

-- What was valid stays valid: a key's time is closed once, and its beginning moves back alone, to what waited for it.
create function receipt_key_change() returns trigger language plpgsql as $$
begin
  if new.address <> old.address or new.valid_from > old.valid_from
     or old.valid_until is not null and new.valid_until is distinct from old.valid_until then
    raise exception 'the time of a key is closed once, and never shortened otherwise' using errcode = 'LG001';
  end if;
  return new;
end $$;
create trigger receipt_keys_change before update on receipt_keys
  for each row execute function receipt_key_change();
