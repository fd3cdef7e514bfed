-- What the reconciler could not do with money, so that it does the rest meanwhile and an operator sees it.

-- When each invariant was compared over everything. One that takes too long holds up none of the others.
create table ledger_comparisons (
  invariant text primary key,
  -- Written before it is tried.
  tried_at timestamptz not null,
  -- When it was last compared to the end.
  compared_at timestamptz,
  -- Since when it cannot be compared, and why; null while it can.
  failing_since timestamptz,
  why text
);

-- Jobs whose charges cannot be booked. They are tried again after all others.
create table ledger_unbookable (
  job_id uuid primary key,
  reason text not null,
  since timestamptz not null,
  tried_at timestamptz not null
);
create index ledger_unbookable_by_try on ledger_unbookable (tried_at);
