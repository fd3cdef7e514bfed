-- Of each provider at most one registration waits under one wallet: a newer one takes its place in the row, and its
-- workflow, which was told of the row, reads the newest. Since when it was told, and since when it has read it; what
-- stands here already may have been read.
alter table provider_registrations
  add column signalled_at timestamptz,
  add column taken_at timestamptz,
  -- The stream it came through, which its id begins with.
  add column kind text generated always as (split_part(message_id, '/', 1)) stored;
update provider_registrations set signalled_at = received_at, taken_at = received_at;
create index provider_registrations_of_provider on provider_registrations (provider_id, received_at desc);
create index provider_registrations_of_wallet on provider_registrations (wallet, kind, signalled_at)
  where signed and signalled_at is not null;

-- Providers that never joined, by wallet and by age.
create index providers_never_joined_of_wallet on providers (wallet_addr) where joined_at is null and status <> 'retired';
create index providers_never_joined_by_age on providers (registration_at) where joined_at is null;
create index provider_revoked_keys_by_age on provider_revoked_keys (revoked_at);

-- What is looked at every minute is what is not over yet, however many jobs were.
create index jobs_live on jobs (job_id) where ended_at is null;
create index allocations_live on allocations (job_id) where released_at is null;
create index join_tokens_live on join_tokens (expires_at) where deleted_at is null;
create index join_tokens_live_of_provider on join_tokens (provider_id) where deleted_at is null;
-- Of one wallet: jobs that ended without ever having been ready.
create index jobs_never_ready_of_wallet on jobs (wallet, ended_at) where ended_at is not null and started_at is null;
