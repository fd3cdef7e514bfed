-- What an operator or the owner ordered about a provider, beside `cordoned`; a retired one is no part of the fleet until
-- it registers again.
alter table providers
  add column drain_until timestamptz,
  add column retiring boolean not null default false,
  -- Of the figures that stand in capacity: older ones that come late change nothing.
  add column capacity_at timestamptz,
  drop constraint providers_status_check,
  add constraint providers_status_check
    check (status in ('pending', 'approved', 'joined', 'available', 'busy', 'offline', 'rejected', 'retired')),
  add constraint providers_orders
    check ((drain_until is null or cordoned) and (not retiring or cordoned) and (status <> 'retired' or cordoned));
