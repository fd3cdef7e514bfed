import type { SitePrices } from '../config.js';
import type { JobOrder } from '../domain/job.js';
import { isProviderId } from '../domain/provider.js';
import type { MachinePrices } from '../domain/pricing.js';
import type { Keeper } from '../domain/why-not.js';
import type { ProviderStatus } from '../wire/statuses.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { conditions, freeSql, outReasonOf, ratedSql, unmetSql } from './offer-rows.js';
import { wholeOfferSql } from './offers.js';
import {
  askedConditions,
  fitsSql,
  isPricedSql,
  paysSql,
  placementParameters,
  placementRankSql,
  placementRows,
  portsRateOf,
  soundRankSql,
} from './placement-conditions.js';
import { unseenRateSql, walkedRows, walkSql, walkSteps } from './placement-walk.js';
import { withPlansForAllValues, type Database, type Queryable } from './pool.js';
import { prepared } from './prepared.js';
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
  /** Why it is out for a while, if it is: an error code, or words. */
  outReason?: string;
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

const asked = Object.values(askedConditions).join(' and ');
const notAsked = Object.fromEntries(Object.entries(conditions).filter(([name]) => !(name in askedConditions)));

/** What a placement would take. */
const placeable = (
  rows: string,
) => `select *, unmet as failed from (${ratedSql(rows, `array[]::text[]`, fitsSql, false)}) p
                    where ${paysSql} and ${isPricedSql}`;
/** The same and what is like it, each with the reasons why a placement would not take it. */
const listed = `select *, unmet || ${unmetSql({ priced: isPricedSql, pays: paysSql })} as failed
                  from (${ratedSql(placementRows, unmetSql(notAsked), `${asked} and ($2 = 0 or g.total > 0)`, true)}) p`;

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
  out_reason: string | null;
  blocked: number;
  sorted_by: string;
}

/**
 * Offers for an order of a certain shape, by the conditions and at the prices of the placement; in one statement, which sees
 * one moment.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function findOffers(
  pool: Database,
  search: OfferSearch,
  site: SitePrices,
): Promise<{ offers: OfferRow[]; nextCursor?: string }> {
  const { order, sort, limit } = search;
  const position = search.cursor === undefined ? [] : positionOf(search.cursor, sort);
  const values = [
    ...(await placementParameters(pool, order, site, limit + 1)),
    search.region ?? null,
    search.minReliability ?? null,
    search.maxGpuPricePerHour ?? null,
    ...[0, 1, 2, 3].map((at) => position[at] ?? null),
  ];
  const walked = await walk(pool, values, search);
  const rows = walked ?? (await pool.query<OfferTableRow>(offersSql(placementRows, search), values)).rows;
  const last = rows[limit - 1];
  return {
    offers: rows.slice(0, limit).map((row) => offerOf(row, portsRateOf(order))),
    ...(rows.length > limit && last !== undefined
      ? { nextCursor: encodeCursor(sort, String(last.blocked), last.sorted_by, last.provider_id, last.gpu_type ?? '') }
      : {}),
  };
}

/** The statement of a search among `rows`, whose rows are numbered by their `place`. */
function offersSql(rows: string, { sort, all = false, minReliability }: OfferSearch): string {
  // A month of days for each row: read for all rows only if they are chosen or sorted by it.
  const isByReliability = sort === 'reliability' || minReliability !== undefined;
  const reliability = isByReliability ? `(select online from (${reliabilitySql('p.provider_id')}) d)` : 'null::float8';
  const sorted = `p.blocked, p.key, ${sort === 'placement' ? 'p.free_gpus, ' : ''}p.provider_id, p.gpu_type`;
  return `
    select p.provider_id, status, cordoned, gpu_type, gpu_model, vram_gb, cuda, free_gpus, total_gpus, failed, out_reason, blocked,
           left(spec #>> '{gpus,0,driverVersion}', 64) as driver, spec ->> 'region' as region,
           gpu_price::float8, trunc(rate)::text as rate, rate > list_rate as is_above_list,
           failures::int as failures, ${wholeOfferSql} as offered, h.cpu::float8, h.memory::float8, h.storage::float8,
           d.online as reliability, key::text as sorted_by, key, row_number() over (order by ${sorted}) as place
      from (select * from (
              select *, least(cardinality(failed), 1) as blocked, (${sortKeys[sort]})::numeric as key
                from (select *, ${reliability} as reliability from (${all ? listed : placeable(rows)}) p ${isByReliability ? 'offset 0' : ''}) p
               where ($19::text is null or lower(spec ->> 'region') = $19
                      or starts_with(lower(spec ->> 'region'), $19 || '-'))
                 and ($20::numeric is null or reliability >= $20) and ($21::numeric is null or gpu_price <= $21)) p
             where $22::int is null
                or (blocked, key, provider_id, coalesce(gpu_type, '')) > ($22, $23::numeric, $24::text, $25::text)
             order by ${sorted} limit $12) p,
           lateral (${freeSql}) h, lateral (${reliabilitySql('p.provider_id')}) d
     order by place`;
}

/** What is ordered by the price of GPUs is looked for along it: as much as a page of it may need. */
function stepsFor({ order, sort, all = false, limit, cursor }: OfferSearch): number[] {
  const isWalked =
    order.gpuCount > 0 && order.providerId === undefined && !all && (sort === 'price' || sort === 'placement');
  return isWalked ? walkSteps.filter((most) => most > limit && (cursor === undefined || most > 100)) : [];
}

/** The offers, if a walk along the prices finds all of them; undefined if all machines are to be read. */
async function walk(pool: Database, values: unknown[], search: OfferSearch): Promise<OfferTableRow[] | undefined> {
  const steps = stepsFor(search);
  if (steps.length === 0) return undefined;
  return await withPlansForAllValues(pool, async (tx) => {
    for (const most of steps) {
      const found = await cheapestOffers(tx, values, search, most);
      if (found !== undefined) return found;
    }
    return undefined;
  });
}

/** The offers of the cheapest GPUs; undefined if some of the others may come before them. */
async function cheapestOffers(
  db: Queryable,
  values: unknown[],
  search: OfferSearch,
  most: number,
): Promise<OfferTableRow[] | undefined> {
  const [order, isBest] =
    search.sort === 'placement'
      ? ([
          'placement',
          `(key, free_gpus, found.provider_id) <= (${soundRankSql('unseen.rate')}, seen.free, seen.provider_id)`,
        ] as const)
      : (['list', '(key, found.provider_id, gpu_type) <= (unseen.rate, seen.provider_id, seen.name)'] as const);
  const { rows } = await db.query<OfferTableRow & { is_best: boolean; is_all: boolean }>(
    prepared(`${walkSql(most, undefined, order)}
     select found.*, seen.all_of_them or unseen.rate > $10::numeric or seen.gpu_price > $21::numeric as is_all, ${isBest} as is_best
       from seen cross join lateral (select ${unseenRateSql} as rate) unseen
            left join (${offersSql(walkedRows, search)}) found on true
      order by found.place`),
    values,
  );
  // Without any, there is one row that says whether those were all.
  const isSure = rows[0]!.is_all || (rows.length > search.limit && rows.at(-1)!.is_best);
  return isSure ? rows.filter(({ provider_id }: { provider_id: string | null }) => provider_id !== null) : undefined;
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
    ...outReasonOf(row),
  };
}
