-- What a provider asks for a GB of disk and hour. It follows from the offer, so that a version that does not know this
-- price, running beside one that does, never leaves another one behind than the offer's.
alter table providers
  add column storage_price_per_gb_hour numeric not null
    generated always as (coalesce((offer ->> 'storagePricePerGbHour')::numeric, 0)) stored;

-- Quotes are sealed with a key that all replicas share, and kept nowhere.
alter table installation
  add column quote_key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

-- The offers of the quote that a job was ordered with: [[provider, GPU type or '', base units an hour], …]. Null for an
-- order without a quote.
alter table jobs add column quoted_rates jsonb;
