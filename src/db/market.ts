import type { SitePrices } from '../config.js';
import { sampleEveryS } from '../domain/market.js';
import { gpuPriceSql, isFreeSql, isSoldSql, siteParameter } from './offers.js';
import type { Queryable } from './pool.js';
import { rowsAtOnce } from './pruning.js';

/** For how long samples are kept: the longest range that can be asked for. */
const keptDays = 90;
/** Owners name their GPUs as they like: the types with the most GPUs are shown and sampled. */
const maxTypes = 200;

/** One GPU type over all providers. Prices are of one GPU and hour; null if nobody has set one. */
export interface MarketType {
  gpuType: string;
  /** Nominal memory of one GPU; several if providers have different ones. */
  vramGb: number[];
  /** At providers that serve customers, rented or not. */
  total: number;
  /** What a job could get now. */
  free: number;
  mostAtOneProvider: number;
  providers: number;
  price: { min: number; median: number; max: number } | null;
}

export interface Market {
  types: MarketType[];
  /** Over all types, shown or not. */
  total: number;
  free: number;
  providersOnline: number;
}

/** GPUs of one type at one provider that serves customers; $1 and $2 are the site's parameters. */
const gpusSql = `
  select r.name as gpu_type, r.vram_gb, r.total, cost.price, ${isSoldSql('cost.price', '$2')} as sold,
         case when ${isFreeSql('cost.price', '$2')} then r.total - r.rented else 0 end as free
    from provider_resources r join providers p using (provider_id) left join provider_starts s using (provider_id),
         lateral (select ${gpuPriceSql('r.price_per_hour', 'r.name', '$1')} as price offset 0) cost
   where r.kind = 'gpu' and r.total > 0 and p.status = 'available'`;

/** Each GPU type, from such rows in `gpus`. */
const typesSql = `
  select gpu_type, sum(total)::int as total, count(*)::int as providers, sum(free)::int as free, max(free)::int as most,
         array_remove(array_agg(distinct vram_gb order by vram_gb), null) as vram_gb,
         min(price) filter (where sold) as price_min,
         percentile_disc(0.5) within group (order by price) filter (where sold) as price_median,
         max(price) filter (where sold) as price_max
    from gpus group by gpu_type`;

/** What there is now, by GPU type. */
export async function readMarket(db: Queryable, site: SitePrices): Promise<Market> {
  const { rows } = await db.query<{
    gpu_type: string;
    total: number;
    providers: number;
    vram_gb: number[];
    free: number;
    most: number;
    price_min: number | null;
    price_median: number | null;
    price_max: number | null;
    all_total: number | null;
    all_free: number | null;
    online: number;
  }>(
    `with gpus as materialized (${gpusSql}), types as (${typesSql})
     select gpu_type, total, providers, vram_gb, free, most, price_min::float8, price_median::float8,
            price_max::float8, sum(total) over ()::int as all_total, sum(free) over ()::int as all_free, o.online
       from (select count(*)::int as online from providers where status = 'available') o left join types on true
      order by total desc, gpu_type limit $3`,
    [siteParameter(site), site.ALLOW_FREE_JOBS, maxTypes],
  );
  return {
    total: rows[0]?.all_total ?? 0,
    free: rows[0]?.all_free ?? 0,
    providersOnline: rows[0]?.online ?? 0,
    types: rows
      .filter(({ gpu_type }) => gpu_type !== null)
      .map((row) => ({
        gpuType: row.gpu_type,
        vramGb: row.vram_gb,
        total: row.total,
        free: row.free,
        mostAtOneProvider: row.most,
        providers: row.providers,
        price: row.price_min === null ? null : { min: row.price_min, median: row.price_median!, max: row.price_max! },
      })),
  };
}

/**
 * Writes down what there is now and deletes what is too old, in one statement. The sample's time is the beginning of
 * its interval, so a repeat changes nothing.
 *
 * @returns how many rows it wrote and deleted.
 */
export async function sampleMarket(db: Queryable, site: SitePrices): Promise<{ written: number; deleted: number }> {
  const { rows } = await db.query<{ written: number; deleted: number }>(
    `with gpus as materialized (${gpusSql}), types as (${typesSql}), written as (
       insert into market_samples (gpu_type, at, total, free, price_min, price_median, price_max)
       select gpu_type, date_bin(make_interval(secs => $3), now(), 'epoch'), total, free, price_min, price_median,
              price_max
         from types order by total desc, gpu_type limit $4
       on conflict (gpu_type, at) do nothing
       returning 1
     ), deleted as (
       delete from market_samples where (gpu_type, at) in
         (select gpu_type, at from market_samples where at < now() - make_interval(days => $5) order by at limit $6)
       returning 1
     )
     select (select count(*)::int from written) as written, (select count(*)::int from deleted) as deleted`,
    [siteParameter(site), site.ALLOW_FREE_JOBS, sampleEveryS, maxTypes, keptDays, rowsAtOnce],
  );
  return rows[0]!;
}

/** How far back a history goes, and the length of its steps. */
export const historyRanges = {
  '24h': { seconds: 86_400, stepS: sampleEveryS },
  '7d': { seconds: 7 * 86_400, stepS: 3_600 },
  '90d': { seconds: keptDays * 86_400, stepS: 21_600 },
} as const;
export type HistoryRange = keyof typeof historyRanges;

/** One step of a history; null where there is no sample. */
export interface MarketStep {
  at: Date;
  total: number | null;
  free: number | null;
  price_min: number | null;
  price_median: number | null;
  price_max: number | null;
}

/** A history of some types together: sums of their GPUs, and prices over all of them. Every step is there. */
export async function marketHistory(
  db: Queryable,
  gpuTypes: readonly string[],
  range: HistoryRange,
): Promise<MarketStep[]> {
  const { seconds, stepS } = historyRanges[range];
  const { rows } = await db.query<MarketStep>(
    `with steps as (
       select generate_series(date_bin(make_interval(secs => $3), now() - make_interval(secs => $2 - $3), 'epoch'), now(),
                              make_interval(secs => $3)) as at
     ), sampled as (
       select at, sum(total) as total, sum(free) as free, min(price_min) as price_min,
              percentile_disc(0.5) within group (order by price_median) as price_median, max(price_max) as price_max
         from market_samples
        where gpu_type = any ($1::text[]) and at >= (select min(at) from steps)
        group by at
     ), binned as (
       select date_bin(make_interval(secs => $3), at, 'epoch') as at, round(avg(total))::int as total,
              round(avg(free))::int as free, min(price_min)::float8 as price_min,
              avg(price_median)::float8 as price_median, max(price_max)::float8 as price_max
         from sampled group by 1
     )
     select s.at, total, free, price_min, price_median, price_max from steps s left join binned using (at) order by s.at`,
    [gpuTypes, seconds, stepS],
  );
  return rows;
}
