import type { SitePrices } from '../config.js';
import { bundlePerGpu } from '../domain/pricing.js';
import { isUnblockedSql } from './blocks.js';
import type { Queryable } from './pool.js';

/** SQL expressions for offers and prices, shared by placement, search and lists. */

/** A site that gives away everything without a price. */
export const withoutPrices: SitePrices = { ALLOW_FREE_JOBS: true, GPU_DEFAULT_PRICES: [] };

/** The operator's prices, as the parameter `site` of the expressions below. */
export function siteParameter({ GPU_DEFAULT_PRICES }: SitePrices): string {
  return JSON.stringify(GPU_DEFAULT_PRICES.map(({ type, pricePerHour }) => [type, pricePerHour]));
}

/**
 * The price of a GPU: its provider's own, or the operator's for its type; a MIG partition does not inherit its card's
 * price. It is computed on each query and not stored, so that a changed price of the operator applies to the next order
 * in every process that has it.
 */
export const gpuPriceSql = (own: string, type: string, site: string): string =>
  `coalesce(nullif(${own}, 0),
            (select (entry ->> 1)::numeric from jsonb_array_elements(${site}::jsonb) with ordinality as d (entry, rank)
              where entry ->> 0 in ('*', ${type})
                 or (${type} like (entry ->> 0) || '-%' and (${type} not like '%mig-_g-%' or entry ->> 0 like '%mig-%'))
              order by rank limit 1), 0)`;

/** Whether a provider has a price for anything but GPUs; in the words of an index. */
export const hasOtherPricesSql = (p: string): string =>
  `(${p}.cpu_price_per_hour > 0 or ${p}.memory_price_per_gb_hour > 0 or ${p}.storage_price_per_gb_hour > 0)`;

/**
 * Whether GPUs at this price may be rented from `p`. Every job uses cores, memory and disk, so a price for any of them suffices.
 */
export const isSoldSql = (price: string, freeJobs: string): string =>
  `(${price} > 0 or ${hasOtherPricesSql('p')} or ${freeJobs}::boolean)`;

/** Whether `p` is offered for this many seconds from now. */
export const isOfferedSql = (seconds: string): string =>
  `(p.available_from is null or p.available_from <= now())
   and (p.available_until is null or p.available_until >= now() + make_interval(secs => ${seconds}))`;

/** Whether a provider is not suspended for failed starts; `starts` is its row of failures, which may be missing. */
export const isTrustedSql = (starts: string): string => `(${starts}.out_until is null or ${starts}.out_until <= now())`;

/** Whether a job could get the GPUs `r` of `p` now, at this price; `s` is the row of `p`'s failed starts. */
export const isFreeSql = (price: string, freeJobs: string): string =>
  `(p.status = 'available' and not p.cordoned and ${isUnblockedSql} and r.total > r.rented
    and exists (select from provider_resources pods
                 where pods.provider_id = p.provider_id and pods.kind = 'pods' and pods.total > pods.rented)
    and ${isSoldSql(price, freeJobs)} and ${isOfferedSql('0')} and ${isTrustedSql('s')})`;

/**
 * The number of failures that rank a provider behind others at about the same price. It is 0 a day after the last
 * failure or the provider's return; otherwise the provider might never get the job that would reset the count.
 */
export const failuresSql = (starts: string): string =>
  `case when greatest(${starts}.failed_at, ${starts}.out_until) > now() - interval '1 day'
        then ${starts}.wallets + ${starts}.times_out else 0 end`;

/**
 * A lateral join with a machine's total offer and its cheapest GPU, from `p.offer`. It reads the GPUs only if `needed`:
 * most orders stay within the share of their GPUs, and each order compares a thousand machines.
 */
export const offeredSql = (site: string, needed: string): string =>
  `select coalesce(sum((o ->> 'count')::numeric), 0) as gpus, (p.offer ->> 'cpuCores')::numeric as cpu,
          (p.offer ->> 'memoryMb')::numeric as memory, (p.offer ->> 'storageGb')::numeric as storage,
          coalesce(min(${gpuPriceSql(`(o ->> 'pricePerHour')::numeric`, `(o ->> 'type')`, site)}), 0) as cheapest
     from jsonb_array_elements(case when ${needed} then p.offer -> 'gpus' end) o`;

/** Everything that the machine of `p` offers, rented or not, as JSON. */
export const wholeOfferSql = `jsonb_build_object(
  'gpus', (select coalesce(sum((o ->> 'count')::numeric), 0) from jsonb_array_elements(p.offer -> 'gpus') o),
  'cpuCores', p.offer -> 'cpuCores', 'memoryMb', p.offer -> 'memoryMb', 'storageGb', p.offer -> 'storageGb')`;

/** The columns and parameters of an order. */
interface OrderTerms {
  gpus: string;
  cpuCores: string;
  memoryMb: string;
  storageGb: string;
}

/** The columns and parameters of a rate. */
interface RateTerms extends OrderTerms {
  gpuPrice: string;
  cpuPrice: string;
  memoryPrice: string;
  storagePrice: string;
  /** Columns of `offeredSql`. */
  offered: string;
}

/** Whether an order is so large that its rate may exceed the list price. */
export const mayExceedShareSql = ({ gpus, cpuCores, memoryMb, storageGb }: OrderTerms): string =>
  `(${cpuCores} > ${bundlePerGpu.cpuCores} * ${gpus} or ${memoryMb} > ${bundlePerGpu.memoryMb} * ${gpus}
    or ${storageGb} > ${bundlePerGpu.storageGb} * ${gpus})`;

/** What an order costs by the list alone, whatever share of a machine it takes: a part of `rateSql`. */
export function listRateSql(terms: Omit<RateTerms, 'offered'>): string {
  const { gpus, cpuCores, memoryMb, storageGb, gpuPrice, cpuPrice, memoryPrice, storagePrice } = terms;
  return `div(((${gpus} * ${gpuPrice} + ${cpuCores} * ${cpuPrice} + ${storageGb} * ${storagePrice}) * 1024
         + ${memoryMb} * ${memoryPrice}) * 1e18, 1024)`;
}

/** The domain's `jobRate` in SQL, on numerics: base units per hour, identical to the last digit. */
export function rateSql(terms: RateTerms) {
  const { gpus, cpuCores, memoryMb, storageGb, offered } = terms;
  const floor = (amount: string, total: string, bundle: number) =>
    `case when ${amount} > ${bundle} * ${gpus} and ${total} > 0
          then div(${offered}.cheapest * ${amount} * ${offered}.gpus * 1e18, ${total}) end`;
  return `greatest(
    ${listRateSql(terms)},
    ${floor(cpuCores, `${offered}.cpu`, bundlePerGpu.cpuCores)},
    ${floor(memoryMb, `${offered}.memory`, bundlePerGpu.memoryMb)},
    ${floor(storageGb, `${offered}.storage`, bundlePerGpu.storageGb)})`;
}

/** Converts rates to prices exactly, which a division by 10^18 would not. */
export const priceOfRateSql = (rate: string): string => `${rate}::numeric * 0.000000000000000001`;

/** Converts prices to rates. Jobs of versions that did not record rates have only a price. */
export const rateOfPriceSql = (price: string): string => `trunc(${price} * 1e18)`;

/** The end of the offer of a job's provider, beyond which the job is not extended. `undefined` without such a bound. */
export async function placementEndsBy(db: Queryable, jobId: string): Promise<Date | undefined> {
  const { rows } = await db.query<{ available_until: Date | null }>(
    `select p.available_until from allocations a join providers p using (provider_id)
      where a.job_id = $1 and a.released_at is null`,
    [jobId],
  );
  return rows[0]?.available_until ?? undefined;
}
