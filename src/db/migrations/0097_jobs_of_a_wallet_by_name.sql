-- outside a transaction
-- A wallet's jobs of one name, newest first; most jobs have none.
create index concurrently if not exists jobs_of_wallet_by_name
  on jobs (wallet, job_name, created_at desc, job_id desc) where job_name is not null;
