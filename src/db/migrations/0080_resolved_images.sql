-- What the registry said about a job's image when it was ordered: the digest that runs, and its size. Both are absent if the
-- registry was not asked or did not answer. The login of a private image is needed until the job ends, and cleared with its
-- variables.
alter table jobs
  add column if not exists image_digest text,
  add column if not exists image_size_bytes bigint,
  add column if not exists registry_auth jsonb;
