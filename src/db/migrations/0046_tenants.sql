-- Every node may read the names of all namespaces, so a customer's is a keyed hash of his wallet and says nothing of him.
-- The key is made here, once: with another one a customer's jobs would be apart from each other.
alter table installation
  add column tenant_key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

create function keep_tenant_key() returns trigger language plpgsql as $$
begin
  if exists (select from jobs where ended_at is null) then
    raise exception 'the key of the tenants'' names is not changed while jobs run';
  end if;
  return new;
end
$$;
create trigger keep_tenant_key before update of tenant_key on installation
  for each row when (old.tenant_key is distinct from new.tenant_key) execute function keep_tenant_key();

-- Where the objects of a job are, from the moment that any are made. Null is where nobody has made any yet, or a version up
-- to 0.1.0 did: there it is tenant- and the wallet.
alter table jobs add column namespace text;
create index jobs_open_in_namespace on jobs (namespace) where ended_at is null;

-- Whose namespace is which, as long as it stands; the hash cannot be undone.
create table tenants (
  namespace text primary key,
  wallet varchar(42) not null,
  made_at timestamptz not null default now()
);
create index tenants_of_wallet on tenants (wallet);
