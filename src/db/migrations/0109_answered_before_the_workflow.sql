-- A registration that a worker is to answer before the provider's workflow hears of it, and what became of it. Whoever answers
-- it or tells the workflow holds it until `held_until`.
alter table provider_registrations
  add column handed_over_at timestamptz,
  add column held_until timestamptz,
  add column answer jsonb;

-- The workers that answer registrations; each says every few seconds that it is there.
create table registration_answerers (
  name text primary key check (length(name) between 1 and 300),
  seen_at timestamptz not null default now()
);
