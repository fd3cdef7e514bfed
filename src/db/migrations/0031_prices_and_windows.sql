-- The customer's own maximum, as it was ordered. max_price_per_hour is what the job may cost at most: what was reserved
-- for an hour of it. Of jobs that were ordered before this migration the first is not known.
alter table jobs add column requested_max_price numeric check (requested_max_price >= 0);

-- When a provider may be rented; null is no bound. Beside what it said (capacity), so that the placement compares times
-- and reads no text.
alter table providers add column available_from timestamptz, add column available_until timestamptz;

update providers
   set available_from = case when capacity ->> 'availableFrom' ~ '^(19[7-9]\d|[2-9]\d{3})-'
                             then (capacity ->> 'availableFrom')::timestamptz end,
       available_until = case when capacity ->> 'availableUntil' ~ '^(19[7-9]\d|[2-9]\d{3})-'
                              then (capacity ->> 'availableUntil')::timestamptz end
 where capacity ? 'availableFrom' or capacity ? 'availableUntil';
