-- outside a transaction
-- Machines that have a price for anything but GPUs: where nobody has set a price for their GPUs, only they are sold. A placement
-- looks among them, instead of at every GPU without a price.
create index concurrently if not exists providers_with_other_prices
  on providers (provider_id)
  where cpu_price_per_hour > 0 or memory_price_per_gb_hour > 0 or storage_price_per_gb_hour > 0;
