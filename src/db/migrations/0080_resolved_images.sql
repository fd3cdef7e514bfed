-- What the registry said about a job's image when it was ordered: the digest that runs, its size, and what it runs by itself.
-- All absent if the registry was not asked or did not answer. What it runs and the login of a private image are needed until
-- the job ends, and cleared with its variables.
alter table jobs
  add column if not exists image_digest text,
  add column if not exists image_size_bytes bigint,
  add column if not exists image_program jsonb,
  add column if not exists registry_auth jsonb;
