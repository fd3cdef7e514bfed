-- A node takes so many pods, whatever their sizes. A job takes one of them; what was placed by an older version, and what
-- such a version still places while it is being replaced, is counted as its row says.
alter table allocations add column pods bigint not null default 0 check (pods >= 0);
update allocations set pods = 1 where released_at is null;

alter table provider_resources
  drop constraint provider_resources_kind_check,
  add constraint provider_resources_kind_check check (kind in ('gpu', 'cpu', 'memory', 'pods', 'storage'));

-- What a kubelet takes unless it is told otherwise, until the node is looked at again; a tenth is the system's.
update providers
   set allocatable = allocatable || jsonb_build_object('pods', case when allocatable ->> 'cpuCores' <> '0' then 110 else 0 end)
 where allocatable is not null;
insert into provider_resources (provider_id, kind, target, total, rented)
select provider_id, 'pods', target, greatest(target, held), held
  from (select p.provider_id, case when p.allocatable ->> 'pods' = '110' then 100 else 0 end as target,
               (select count(*) from allocations a where a.provider_id = p.provider_id and a.released_at is null) as held
          from providers p) counted;

-- What is removed by its age is found by it.
drop index auth_sessions_by_expiry;
create index auth_sessions_by_expiry on auth_sessions (expires_at) where spent = 0 and reserved = 0;
create index auth_wallets_by_void on auth_wallets (logins_void_before) where logins_void_before is not null;
create index provider_identities_unsigned on provider_identities (bound_at) where signed_at is null;
create index jobs_never_ready_by_age on jobs (ended_at) where ended_at is not null and started_at is null;
