import type { SitePrices } from '../config.js';
import type { JobOrder } from '../domain/job.js';
import { isProviderId } from '../domain/provider.js';
import type { MachinePrices } from '../domain/pricing.js';
import type { Keeper, WhatKeeps } from '../domain/why-not.js';
import type { ProviderStatus } from '../wire/statuses.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { mayExceedShareSql, offeredSql, wholeOfferSql } from './offers.js';
import {
  askedConditions,
  fitsSql,
  isPricedSql,
  orderedTerms,
  orderFailuresSql,
  orderGpuPriceSql,
  orderListRateSql,
  orderRateSql,
  paysSql,
  placementParameters,
  placementRankSql,
  placementRows,
  portsRateOf,
  presentConditions,
} from './placement-conditions.js';
import type { Queryable } from './pool.js';
import { reliabilitySql } from './provider-days.js';

/** What one provider has of one GPU type, for an order of a certain shape. */
export interface OfferRow {
  providerId: string;
  status: ProviderStatus;
  cordoned: boolean;
  /** Absent for an order without GPUs. */
  gpuType?: string;
  gpuModel?: string;
  vramGb?: number;
  /** As `cudaNumber`. */
  cuda?: number;
  driver?: string;
  region?: string;
  freeGpus: number;
  totalGpus: number;
  /** Of one GPU, token units. */
  gpuPricePerHour: number;
  /** Of the whole order, base units an hour. */
  rate: bigint;
  /** Whether the order costs more than the list says, because it takes more than its GPUs' share of the machine. */
  isAboveList: boolean;
  /** Whether it has recently failed to start jobs. */
  hasFailed: boolean;
  /** Everything the machine offers, rented or not. */
  offered: MachinePrices['offered'];
  freeCpuCores: number;
  freeMemoryMb: number;
  freeStorageGb: number;
  /** The share of the last 30 days in which it was online; absent while that is unknown. */
  reliability?: number;
  /** The conditions of a placement that it does not meet; none if the order could start there now. */
  failed: Keeper[];
}

export const offerSorts = ['price', 'free', 'reliability'] as const;
export type OfferSort = (typeof offerSorts)[number];

export interface OfferSearch {
  order: JobOrder;
  /** Lower case; `kr` also finds `kr-11`. */
  region?: string;
  minReliability?: number;
  /** Of one GPU, token units. */
  maxGpuPricePerHour?: number;
  /** True to list those where the order cannot start now, too. */
  all?: boolean;
  /** `placement` is the order in which a placement would try them; it has no pages. */
  sort: OfferSort | 'placement';
  limit: number;
  cursor?: string;
}

/** What a machine has free. */
const freeSql = `
  select max(r.total - r.rented) filter (where r.kind = 'cpu') as cpu,
         max(r.total - r.rented) filter (where r.kind = 'memory') as memory,
         max(r.total - r.rented) filter (where r.kind = 'storage') as storage,
         max(r.total - r.rented) filter (where r.kind = 'pods') as pods
    from provider_resources r
   where r.provider_id = p.provider_id and r.name = ''`;

const { room: _, ...presentButRoom } = presentConditions;
/** Every condition that can be told before the price is known; `room` by what is short. */
const conditions: Record<Exclude<Keeper, 'priced' | 'pays'>, string> = {
  ...presentButRoom,
  cpu: 'h.cpu >= $3::bigint',
  memory: 'h.memory >= $4::bigint',
  storage: 'h.storage >= $5::bigint',
  pods: 'h.pods >= 1',
  ...askedConditions,
};

/** The names of the conditions that a row does not meet. */
const unmetSql = (of: Partial<Record<Keeper, string>>) =>
  `array_remove(array[${Object.entries(of)
    .map(([name, condition]) => `case when not coalesce(${condition}, false) then '${name}' end`)
    .join(', ')}]::text[], null)`;

/** Machines that have joined, with each GPU type that they have, or had. */
const inFleetSql = `p.joined_at is not null and p.status <> 'retired' and ($2 = 0 or g.name is not null)`;

/** Rows with their rates. `free` is true for rows that need their free amounts in `h`. */
const ratedSql = (unmet: string, where: string, free: boolean) => `
  select p.*, cost.rate, cost.list_rate
    from (select p.provider_id, p.status, p.cordoned, p.spec, p.offer, p.available_until,
                 p.cpu_price_per_hour as cpu_price, p.memory_price_per_gb_hour as memory_price,
                 p.storage_price_per_gb_hour as storage_price,
                 g.name as gpu_type, g.model as gpu_model, g.vram_gb, g.cuda, coalesce(g.total, 0) as total_gpus,
                 coalesce(g.total - g.rented, 0) as free_gpus, ${orderGpuPriceSql} as gpu_price,
                 ${orderFailuresSql} as failures, ${unmet} as unmet
                 ${free ? ', h.cpu, h.memory, h.storage' : ''}
            from ${placementRows} ${free ? `cross join lateral (${freeSql}) h` : ''}
           where ${inFleetSql} and ${where}) p,
         lateral (${offeredSql('$7', mayExceedShareSql(orderedTerms))}) o,
         lateral (select ${orderRateSql} as rate, ${orderListRateSql} as list_rate) cost`;

const asked = Object.values(askedConditions).join(' and ');
const notAsked = Object.fromEntries(Object.entries(conditions).filter(([name]) => !(name in askedConditions)));

/** What a placement would take. */
const placeable = `select *, unmet as failed from (${ratedSql(`array[]::text[]`, fitsSql, false)}) p
                    where ${paysSql} and ${isPricedSql}`;
/** The same and what is like it, each with the reasons why a placement would not take it. */
const listed = `select *, unmet || ${unmetSql({ priced: isPricedSql, pays: paysSql })} as failed
                  from (${ratedSql(unmetSql(notAsked), `${asked} and ($2 = 0 or g.total > 0)`, true)}) p`;

const sortKeys: Record<OfferSearch['sort'], string> = {
  price: 'rate',
  free: '-free_gpus',
  reliability: '-coalesce(round(reliability::numeric, 6), -1)',
  placement: placementRankSql,
};

interface OfferTableRow {
  provider_id: string;
  status: ProviderStatus;
  cordoned: boolean;
  gpu_type: string | null;
  gpu_model: string | null;
  vram_gb: number | null;
  cuda: number | null;
  driver: string | null;
  region: string | null;
  free_gpus: number;
  total_gpus: number;
  gpu_price: number;
  rate: string;
  is_above_list: boolean;
  failures: number;
  offered: MachinePrices['offered'];
  cpu: number | null;
  memory: number | null;
  storage: number | null;
  reliability: number | null;
  failed: Keeper[];
  blocked: number;
  sorted_by: string;
}

/**
 * Offers for an order of a certain shape, by the conditions and at the prices of the placement; in one statement.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function findOffers(
  db: Queryable,
  search: OfferSearch,
  site: SitePrices,
): Promise<{ offers: OfferRow[]; nextCursor?: string }> {
  const { order, sort, limit, all = false } = search;
  // A month of days for each row: read for all rows only if they are chosen or sorted by it.
  const isByReliability = sort === 'reliability' || search.minReliability !== undefined;
  const reliability = isByReliability ? `(select online from (${reliabilitySql('p.provider_id')}) d)` : 'null::float8';
  const sorted = `p.blocked, p.key, ${sort === 'placement' ? 'p.free_gpus, ' : ''}p.provider_id, p.gpu_type`;
  const position = search.cursor === undefined ? [] : positionOf(search.cursor, sort);
  const { rows } = await db.query<OfferTableRow>(
    `select p.provider_id, status, cordoned, gpu_type, gpu_model, vram_gb, cuda, free_gpus, total_gpus, failed, blocked,
            left(spec #>> '{gpus,0,driverVersion}', 64) as driver, spec ->> 'region' as region,
            gpu_price::float8, trunc(rate)::text as rate, rate > list_rate as is_above_list,
            failures::int as failures, ${wholeOfferSql} as offered, h.cpu::float8, h.memory::float8, h.storage::float8,
            d.online as reliability, key::text as sorted_by
       from (select * from (
               select *, least(cardinality(failed), 1) as blocked, (${sortKeys[sort]})::numeric as key
                 from (select *, ${reliability} as reliability from (${all ? listed : placeable}) p) p
                where ($19::text is null or lower(spec ->> 'region') = $19
                       or starts_with(lower(spec ->> 'region'), $19 || '-'))
                  and ($20::numeric is null or reliability >= $20) and ($21::numeric is null or gpu_price <= $21)) p
              where $22::int is null
                 or (blocked, key, provider_id, coalesce(gpu_type, '')) > ($22, $23::numeric, $24::text, $25::text)
              order by ${sorted} limit $12) p,
            lateral (${freeSql}) h, lateral (${reliabilitySql('p.provider_id')}) d
      order by ${sorted}`,
    [
      ...(await placementParameters(db, order, site, limit + 1)),
      search.region ?? null,
      search.minReliability ?? null,
      search.maxGpuPricePerHour ?? null,
      ...[0, 1, 2, 3].map((at) => position[at] ?? null),
    ],
  );
  const last = rows[limit - 1];
  return {
    offers: rows.slice(0, limit).map((row) => offerOf(row, portsRateOf(order))),
    ...(rows.length > limit && last !== undefined
      ? { nextCursor: encodeCursor(sort, String(last.blocked), last.sorted_by, last.provider_id, last.gpu_type ?? '') }
      : {}),
  };
}

/** The place in a list up to which a client has read it. */
function positionOf(cursor: string, sort: string): string[] {
  const [, ...position] = decodeCursor(
    cursor,
    (part) => part === sort,
    (part) => part === '0' || part === '1',
    (part) => /^-?\d{1,60}(?:\.\d{1,30})?$/.test(part),
    isProviderId,
    (part) => /^[a-z0-9-]{0,128}$/.test(part),
  );
  return position;
}

function offerOf(row: OfferTableRow, portsRate: bigint): OfferRow {
  return {
    ...{ providerId: row.provider_id, status: row.status, cordoned: row.cordoned },
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type, gpuModel: row.gpu_model ?? row.gpu_type }),
    ...(row.vram_gb === null ? {} : { vramGb: row.vram_gb }),
    ...(row.cuda === null ? {} : { cuda: row.cuda }),
    ...(row.driver === null || row.driver === '' ? {} : { driver: row.driver }),
    ...(row.region === null || row.region === '' ? {} : { region: row.region }),
    ...{ freeGpus: row.free_gpus, totalGpus: row.total_gpus, gpuPricePerHour: row.gpu_price },
    ...{ rate: BigInt(row.rate) + portsRate, isAboveList: row.is_above_list, hasFailed: row.failures > 0 },
    offered: row.offered,
    freeCpuCores: row.cpu ?? 0,
    freeMemoryMb: row.memory ?? 0,
    freeStorageGb: row.storage ?? 0,
    ...(row.reliability === null ? {} : { reliability: row.reliability }),
    failed: row.failed,
  };
}

/** Asking for another GPU type or provider changes an order more than asking for less of it. */
const weightSql = `cardinality(failed) + 2 * cardinality(array(select unnest(failed) intersect select unnest(array['type', 'provider'])))`;

interface KeepingRow {
  failed: Keeper[];
  models: string[] | null;
  gpus: number;
  cpu: number | null;
  memory: number | null;
  storage: number | null;
  vram_gb: number | null;
  cuda: number | null;
  rate: string;
  offered_s: number | null;
}

/**
 * What keeps an order out, nearest first: the machines that fail to take it for one reason alone, with the most that
 * they have of each figure; or, if every machine has several reasons, those with the fewest. In one statement, which
 * answers a few rows however many providers there are.
 */
export async function findKeepers(db: Queryable, order: JobOrder, site: SitePrices): Promise<WhatKeeps[]> {
  const { rows } = await db.query<KeepingRow>(
    `select failed, min(weight) as weight, (array_agg(distinct gpu_model))[1:3] as models,
            max(free_gpus)::int as gpus, max(cpu)::float8 as cpu, max(memory)::float8 as memory,
            max(storage)::float8 as storage, max(vram_gb)::float8 as vram_gb, max(cuda) as cuda,
            trunc(min(rate))::text as rate,
            max(extract(epoch from available_until - now()))::float8 as offered_s
       from (select *, ${weightSql} as weight
               from (select *, unmet || ${unmetSql({ priced: isPricedSql, pays: paysSql })} as failed
                       from (${ratedSql(unmetSql(conditions), 'true', true)}) p) p) p
      group by failed, case when cardinality(failed) > 1 then p.provider_id end,
               case when cardinality(failed) > 1 then gpu_type end
      order by weight, min(rate)
      limit least($12, 8)`,
    await placementParameters(db, order, site, 8),
  );
  return rows.map((row) => ({
    failed: row.failed,
    models: row.models ?? [],
    gpus: row.gpus,
    cpuCores: row.cpu ?? 0,
    memoryMb: row.memory ?? 0,
    storageGb: row.storage ?? 0,
    ...(row.vram_gb === null ? {} : { vramGb: row.vram_gb }),
    ...(row.cuda === null ? {} : { cuda: row.cuda }),
    rate: BigInt(row.rate) + portsRateOf(order),
    ...(row.offered_s === null ? {} : { offeredS: Math.max(0, row.offered_s) }),
  }));
}
