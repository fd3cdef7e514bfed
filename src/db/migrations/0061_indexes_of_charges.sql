-- outside a transaction
-- What 0057 leaves for later, because it takes long and orders must not wait for it.

alter table jobs validate constraint jobs_fee_bps_check;
alter table auth_charges validate constraint auth_charges_booked_check;

-- Charges that the ledger does not know as they are: see `booked`.
create index concurrently if not exists auth_charges_unbooked on auth_charges (created_at)
  where booked is distinct from case when settled_at is null then reserved else 0 end;
create index concurrently if not exists auth_charges_open on auth_charges (job_id) where settled_at is null;
