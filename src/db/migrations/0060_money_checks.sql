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

-- A version up to 0.1.0 places and moves jobs by their price alone. What a newer one froze at the placement before does not
-- hold any more: the rate follows the price, and there is no fee. A version that freezes both changes them with the price.
create function job_rate_follows() returns trigger language plpgsql as $$
begin
  new.rate := trunc(new.price_per_hour * 1e18);
  new.fee_bps := null;
  return new;
end $$;
create trigger jobs_rate_follows before update of price_per_hour on jobs for each row
  when (old.rate is not null and new.rate = old.rate and new.price_per_hour is distinct from old.price_per_hour)
  execute function job_rate_follows();
