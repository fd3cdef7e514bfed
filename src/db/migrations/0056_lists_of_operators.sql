-- Operators list the jobs and providers of everybody page by page, and ask what was earned in a month.
create index jobs_by_time on jobs (created_at desc, job_id desc);
create index providers_by_registration on providers (registered_at, provider_id);
create index auth_charges_by_settlement on auth_charges (settled_at) include (spent) where settled_at is not null;
