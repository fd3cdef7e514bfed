-- When the node of a provider was last seen ready, by our own clock: a kubelet says itself since when it is not, by the
-- clock of its machine. It stands where what changes often stands.
alter table provider_heartbeats add column node_ready_at timestamptz;
