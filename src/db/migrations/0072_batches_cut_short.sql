-- Whether a settlement left something for the next one, because one transaction cannot carry everybody.
alter table batches add column cut_short boolean not null default false;
