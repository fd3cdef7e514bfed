-- outside a transaction
-- A placement walks the free GPUs of a type from the cheapest on, among equally cheap ones from the fullest machine on,
-- instead of reading the whole fleet. Machines without a free GPU are not in its way.
create index concurrently if not exists provider_resources_free_gpus
  on provider_resources (name, price_per_hour, (total - rented), provider_id)
  where kind = 'gpu' and total > rented;
