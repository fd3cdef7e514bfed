-- Challenges of logins are sealed with a key that all replicas share, and kept nowhere.
alter table installation
  add column challenge_key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

-- What Kubernetes said of a job that failed, for operators; its customer is told the kind.
alter table jobs add column failure_words text;
