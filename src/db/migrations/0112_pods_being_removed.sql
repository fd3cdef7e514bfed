-- Since when the workflow of a job that ends has been removing the job's pod: nobody needs to tell it that the pod is gone.
alter table jobs add column if not exists removal_begun_at timestamptz;
