-- outside a transaction
-- Those of them that are to be answered: in a storm hundreds wait to be told, and workers would read all of these each time.
create index concurrently if not exists provider_registrations_unanswered
  on provider_registrations (handed_over_at)
  where handed_over_at is not null and signalled_at is null and answer is null;
