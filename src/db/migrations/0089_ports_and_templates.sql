-- What a job opens besides SSH: [{port, name, protocol}, …], how many they are, and what they cost: base units an hour, a
-- part of its rate. `opened_ports` says where they are reached: [{port, nodePort}, …].
alter table jobs
  add column ports jsonb,
  add column port_count smallint not null default 0,
  add column ports_rate numeric(78, 0),
  add column opened_ports jsonb,
  -- What a job was made of: {id, page, token}. The token itself is kept nowhere: it is worked out from a key of this number.
  add column template jsonb,
  add column token_key integer;

-- Tokens of jobs are made with the last of these keys, and shown with the one that they were made with: so a key can be
-- added at any time, and none is taken away.
alter table installation
  add column token_keys bytea[] not null
    default array[uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())];
