-- outside a transaction
-- The GPUs of a type from the cheapest on, rented ones too: lists of what there is are read from it page by page.
create index concurrently if not exists provider_resources_gpus_by_price
  on provider_resources (name, price_per_hour, provider_id) where kind = 'gpu';
