-- The names of nodes that providers were given, one after the other. A certificate outlives its provider's stay in the
-- fleet, so a name is never given twice while one for it may be good: these rows stay when a provider is forgotten.
create table provider_nodes (
  node_name varchar(253) primary key,
  provider_id varchar(255) not null,
  -- 0: a node that joined under 0.1.0, by the bare id of its provider. It is known by its uid alone.
  generation integer not null check (generation >= 0),
  -- The provider's key when it was admitted; null for one that did not sign.
  node_key char(42),
  -- Of the node as it was last seen.
  node_uid text,
  -- Since when somebody may hold a certificate for the name.
  certified_at timestamptz,
  created_at timestamptz not null default now(),
  -- Since when it is no node of the fleet; and since when the cluster does as it says here.
  left_at timestamptz,
  closed_at timestamptz,
  unique (provider_id, generation)
);
create unique index provider_nodes_current on provider_nodes (provider_id) where left_at is null;
create index provider_nodes_to_close on provider_nodes (left_at) where left_at is not null and closed_at is null;
create index provider_nodes_closed on provider_nodes (closed_at) where closed_at is not null;

insert into provider_nodes (node_name, provider_id, generation, node_key, node_uid)
select p.node_name, p.provider_id, 0, i.node_key, p.node_uid
  from providers p
  left join provider_identities i on i.provider_id = p.provider_id and i.signed_at is not null
 where p.node_name is not null and p.node_uid is not null and p.status <> 'retired';

-- What was only going to be a node's name is nobody's: a node that comes by it is somebody else's.
update providers p
   set node_name = null
 where not exists (select from provider_nodes n where n.provider_id = p.provider_id and n.node_name = p.node_name);
