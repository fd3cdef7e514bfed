-- Which resource of Kubernetes the GPUs of a type are, as the node of its provider counts them. Null is nvidia.com/gpu, and
-- of what was rented before there is no other.
alter table provider_resources add column resource_name text;
alter table allocations add column gpu_resource text;

-- Why not every GPU type of a provider is sold as it was registered; '' where it is.
alter table providers add column gpus_reason text not null default '';
