-- What a wallet lets all of its sessions spend in a month, if it wants a cap. Base units.
create table spending_caps (
  wallet char(42) primary key check (wallet ~ '^0x[0-9a-f]{40}$'),
  monthly numeric(78, 0) not null check (monthly >= 0),
  changed_at timestamptz not null default clock_timestamp()
);

-- For the owner of a machine: what was signed about its jobs before his wallet was proven names no payee.
create index receipts_of_provider on receipts ((message ->> 'providerId'), issued_at desc, digest desc);
