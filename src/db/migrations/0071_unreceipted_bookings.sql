-- outside a transaction
-- For guardians: what moves money of wallets without a receipt is little among all that is booked.
create index concurrently if not exists ledger_entries_unreceipted on ledger_entries (id)
  where kind in ('claim', 'payout') or kind = 'deposit' and key like 'payment/%';
