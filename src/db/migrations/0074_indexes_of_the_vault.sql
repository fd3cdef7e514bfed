-- outside a transaction
-- Anybody can make events of a vault, and deposit a little in the name of any number of wallets. What is read every few
-- seconds, and what each settlement is cut from, must not take longer for it.

create index concurrently if not exists chain_events_of_money on chain_events (chain_id, vault, block_number)
  where name in ('Deposited', 'Withdrawn', 'EarningsWithdrawn', 'FeesSwept');
create index concurrently if not exists chain_events_of_draws on chain_events (chain_id, vault)
  where name in ('BatchExecuted', 'FeesSwept');
-- Wallets of which something is booked.
create index concurrently if not exists chain_wallets_booked on chain_wallets (chain_id, vault, wallet)
  where deposited > waiting;
