-- What is removed once it can have no effect any more is found without a look at everything that stays.
create index auth_sessions_by_expiry on auth_sessions (expires_at) where revoked_at is null;
create index auth_revocations_by_age on auth_revocations (created_at);
create index join_tokens_by_deletion on join_tokens (deleted_at) where deleted_at is not null;
