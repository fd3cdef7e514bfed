-- outside a transaction
-- Registrations that were handed over and of which the provider's workflow has not been told: those to answer, and those to tell.
create index concurrently if not exists provider_registrations_untold
  on provider_registrations (handed_over_at) where handed_over_at is not null and signalled_at is null;
