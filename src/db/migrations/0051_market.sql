-- Which cluster this installation rents out, as its worker last read it: processes that do not reach the cluster tell it to
-- providers. Null until a worker has started.
alter table installation add column ca_hash text;

-- Whether a customer named no GPU type. `gpu_type` becomes the type of the placement.
alter table jobs add column any_gpu_type boolean not null default false;

-- What each GPU type had and cost, every five minutes. Sums over all providers; nothing of a single one.
create table market_samples (
  gpu_type text not null,
  at timestamptz not null,
  total int not null,
  free int not null,
  price_min numeric,
  price_median numeric,
  price_max numeric,
  primary key (gpu_type, at)
);
create index market_samples_at on market_samples (at);
