-- Whether what a settlement left for the next one is so little that everything counts as settled: anybody can see to it with
-- many wallets that owe next to nothing that something is left.
alter table batches add column if not exists left_little boolean not null default false;
