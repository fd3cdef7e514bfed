-- What of its memory a job may use as shared memory, where the order says; otherwise the default of whoever reads it.
alter table jobs add column shm_mb integer check (shm_mb > 0);

-- Containers that run since before have what every container has.
update jobs set shm_mb = 64 where ended_at is null and pod_uid is not null;
