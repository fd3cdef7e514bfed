-- The public half of the key of a job's SSH server, `ssh-ed25519 AAAA…`; the private half is in Kubernetes only.
alter table jobs add column ssh_host_key text;
