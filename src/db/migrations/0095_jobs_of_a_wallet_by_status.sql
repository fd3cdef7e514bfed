-- outside a transaction
-- A wallet's ended jobs of one status, newest first: of a wallet that has ordered for years, few may have failed. Those that
-- are not over are few, and have an index; so a job enters this one once, when it ends.
create index concurrently if not exists jobs_ended_of_wallet_by_status
  on jobs (wallet, status, created_at desc, job_id desc) where ended_at is not null;
