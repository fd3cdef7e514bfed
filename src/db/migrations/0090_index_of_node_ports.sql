-- outside a transaction
-- Each placement counts the node ports that jobs have.

create index concurrently if not exists jobs_with_node_ports on jobs (port_count)
  where ended_at is null and provider_id is not null;
