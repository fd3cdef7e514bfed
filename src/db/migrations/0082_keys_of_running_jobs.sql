-- Jobs of versions that could not be given keys later have a Secret that nobody can change.
alter table jobs add column takes_ssh_keys boolean not null default false;
-- Since when ssh_public_keys has a key that the job's Secret may lack; null where it lacks none.
alter table jobs add column ssh_keys_changed_at timestamptz;
