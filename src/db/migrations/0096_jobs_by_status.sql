-- outside a transaction
-- The same for the jobs of all wallets, which operators list.
create index concurrently if not exists jobs_ended_by_status
  on jobs (status, created_at desc, job_id desc) where ended_at is not null;
