-- What GPUs are compared by beside their type. Null is what nobody said: it is enough for no order that asks.
alter table provider_resources add column vram_gb integer check (vram_gb > 0), add column cuda integer check (cuda > 0);

-- amd64, arm64, any other in lower case, or '' where the agent did not say.
alter table providers add column architecture text not null default '';
update providers
   set architecture = case when said in ('amd64', 'x86_64', 'x86-64', 'x64', 'linux/amd64') then 'amd64'
                           when said in ('arm64', 'aarch64', 'arm64v8', 'linux/arm64') then 'arm64'
                           else left(said, 64) end
  from (select provider_id as id, lower(trim(coalesce(spec ->> 'architecture', ''))) as said from providers) as told
 where provider_id = id;

alter table jobs add column min_vram_gb numeric check (min_vram_gb > 0), add column min_cuda integer check (min_cuda > 0),
                 add column architecture text;

-- Offers keep their types, because jobs that run hold them; they learn the least that the registration said of each. A
-- driver keeps up to a tenth of the memory for itself.
update providers p
   set offer = jsonb_set(p.offer, '{gpus}', (
     select coalesce(jsonb_agg(o || coalesce((
              select jsonb_strip_nulls(jsonb_build_object(
                       'vramGb', nullif((select min(sold) from unnest(array[1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40,
                                           48, 64, 80, 94, 96, 128, 141, 180, 192, 256, 288]) as made (sold)
                                          where least_mb between sold * 1024 * 0.9 and sold * 1024 * 1.02), 0),
                       'cuda', case when unsaid = 0 then least_cuda end))
                from (select min(case when (g ->> 'memoryMb') ~ '^\d{1,10}$' then (g ->> 'memoryMb')::bigint end) as least_mb,
                             min(case when (g ->> 'cudaVersion') ~ '^\d{1,2}\.\d{1,2}(\.\d+)*$'
                                      then split_part(g ->> 'cudaVersion', '.', 1)::int * 1000
                                             + split_part(g ->> 'cudaVersion', '.', 2)::int end) as least_cuda,
                             count(*) filter (where coalesce(g ->> 'cudaVersion', '') !~ '^\d{1,2}\.\d{1,2}(\.\d+)*$') as unsaid
                        from jsonb_array_elements(case jsonb_typeof(p.spec -> 'gpus') when 'array' then p.spec -> 'gpus' else '[]' end) g
                       where g ->> 'name' = o ->> 'model') as its), '{}') order by nr), '[]')
       from jsonb_array_elements(p.offer -> 'gpus') with ordinality as offers (o, nr)))
 where jsonb_typeof(p.offer -> 'gpus') = 'array';

update provider_resources r
   set vram_gb = (o ->> 'vramGb')::int, cuda = nullif((o ->> 'cuda')::int, 0)
  from providers p, jsonb_array_elements(p.offer -> 'gpus') o
 where p.provider_id = r.provider_id and r.kind = 'gpu' and o ->> 'type' = r.name;
