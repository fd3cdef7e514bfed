-- The ids of kubeadm join tokens and whose they are; the secret half stands nowhere but in the cluster and the reply.
create table join_tokens (
  token_id char(6) primary key check (token_id ~ '^[a-z0-9]{6}$'),
  provider_id varchar(255) not null references providers (provider_id) on delete cascade,
  message_id text not null,
  node_name varchar(253) not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  deleted_at timestamptz(3),
  unique (provider_id, message_id)
);
