-- Which resource of Kubernetes the GPUs of a type are, as the node of its provider counts them. Null is nvidia.com/gpu, and
-- of what was rented before there is no other.
alter table provider_resources add column resource_name text;
alter table allocations add column gpu_resource text;

-- Why not every GPU type of a provider is sold as it was registered; '' where it is.
alter table providers add column gpus_reason text not null default '';

-- Machines whose GPUs may be sold otherwise from now on: what their nodes count is forgotten, so that watcher and reconciler
-- find them to differ and have each of them worked out anew.
update providers
   set allocatable = null
 where jsonb_typeof(offer -> 'gpus') = 'array' and allocatable is not null
   and (jsonb_array_length(offer -> 'gpus') > 1
        or (jsonb_typeof(allocatable -> 'gpus') = 'number' and jsonb_array_length(offer -> 'gpus') > 0
            and (allocatable ->> 'gpus')::numeric
                >= 2 * (select coalesce(sum((o ->> 'count')::numeric), 0) from jsonb_array_elements(offer -> 'gpus') o)));
