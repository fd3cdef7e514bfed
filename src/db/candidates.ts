import type { SitePrices } from '../config.js';
import { plainGpuResource } from '../domain/gpu-resources.js';
import type { JobOrder, Placement } from '../domain/job.js';
import { jobRate, priceOf } from '../domain/pricing.js';
import { lesser, type QuotedRate } from '../domain/quote.js';
import { gpuPriceSql, isFreeSql, mayExceedShareSql, offeredSql, siteParameter } from './offers.js';
import {
  fitsSql,
  isPricedSql,
  orderedTerms,
  orderFailuresSql,
  orderGpuPriceSql,
  orderRateSql,
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

interface CandidateRow {
  provider_id: string;
  failures: number;
  node_name: string;
  gpu_type: string | null;
  gpu_model: string | null;
  gpu_resource: string | null;
  gpu_price: string;
  cpu_price: string;
  memory_price: string;
  storage_price: string;
  cheapest: string;
  offered_gpus: number;
  offered_cpu: number;
  offered_memory: number;
  offered_storage: number;
  /** What a quote promised for it; null if the order has none, or the quote does not name it. */
  quoted: string | null;
}

/** The providers among `rows` that an order fits, at any price. */
const fitting = (rows: string) => `
  select p.provider_id, p.node_name, g.name as gpu_type, g.model as gpu_model, p.offer,
         nullif(g.resource_name, '${plainGpuResource}') as gpu_resource,
         ${orderGpuPriceSql} as gpu_price,
         p.cpu_price_per_hour as cpu_price, p.memory_price_per_gb_hour as memory_price,
         p.storage_price_per_gb_hour as storage_price,
         coalesce(g.total - g.rented, 0) as free_gpus, ${orderFailuresSql} as failures
    from ${rows}
   where ${fitsSql}`;

/**
 * The cheapest providers for an order, at most `limit`, among those whose owners offer them for the whole duration. At
 * the same price the fuller provider comes first, so that large orders find whole machines. A provider that failed to
 * start jobs ranks as if it cost a quarter more for each affected wallet, and is excluded while suspended. Providers
 * without a price are excluded unless the site allows free jobs. Capacity may be gone by the time it is requested:
 * `allocate` decides.
 *
 * @param quoted the rates of the quote that it was ordered with. Their providers come first, each at the lesser of its
 * quoted and its present rate; the others follow at theirs, so that an order finds a machine when those are taken.
 */
export async function placementCandidates(
  pool: Database,
  order: JobOrder,
  site: SitePrices,
  limit: number,
  quoted: readonly QuotedRate[] = [],
): Promise<Placement[]> {
  return (await findCandidates(pool, order, site, limit, quoted)).map(({ placement }) => placement);
}

/** The rates of the same providers in base units per hour, and whether they have recently failed to start jobs. */
export async function offeredRates(
  pool: Database,
  order: JobOrder,
  site: SitePrices,
  limit: number,
): Promise<{ rate: bigint; hasFailed: boolean }[]> {
  const candidates = await findCandidates(pool, order, site, limit);
  return candidates.map(({ placement, hasFailed }) => ({ rate: BigInt(placement.rate!), hasFailed }));
}

interface Candidate {
  placement: Placement;
  hasFailed: boolean;
}

async function findCandidates(
  pool: Database,
  order: JobOrder,
  site: SitePrices,
  limit: number,
  quoted: readonly QuotedRate[] = [],
): Promise<Candidate[]> {
  const values = [
    ...(await placementParameters(pool, order, site, limit)),
    ...(quoted.length > 0 ? columnsOf(quoted, portsRateOf(order)) : []),
  ];
  // What is not ordered by the price of GPUs, or asks for one machine, is not found by walking along those prices.
  const isWalked = order.gpuCount > 0 && order.providerId === undefined;
  const walked = isWalked ? await walk(pool, values, limit, quoted.length > 0) : undefined;
  const rows = walked ?? (await pool.query<CandidateRow>(amongAll(quoted.length > 0), values)).rows;
  return rows.map((row) => candidateOf(order, row));
}

/** The candidates, if a walk along the prices finds all of them; undefined if all machines are to be read. */
function walk(
  pool: Database,
  values: unknown[],
  limit: number,
  isQuoted: boolean,
): Promise<CandidateRow[] | undefined> {
  return withPlansForAllValues(pool, async (tx) => {
    for (const most of walkSteps) {
      const found = await cheapestOnes(tx, values, { limit, most }, isQuoted);
      if (found !== undefined) return found;
    }
    return undefined;
  });
}

/** The candidates among the cheapest GPUs; undefined if there may be better ones among the others. */
async function cheapestOnes(
  db: Queryable,
  values: unknown[],
  { limit, most }: { limit: number; most: number },
  isQuoted: boolean,
): Promise<CandidateRow[] | undefined> {
  const { rows } = await db.query<CandidateRow & { is_best: boolean; is_all: boolean }>(
    prepared(`${walkSql(most, isQuoted ? '$19' : undefined, 'placement')}
     select found.*, seen.all_of_them or unseen.rate > $10::numeric as is_all,
            is_promised or (rank, free_gpus, found.provider_id)
                           <= (${soundRankSql('unseen.rate')}, seen.free, seen.provider_id) as is_best
       from seen cross join lateral (select ${unseenRateSql} as rate) unseen
            left join (${candidates(walkedRows, isQuoted)}) found on true
      order by found.place`),
    values,
  );
  // Without any, there is one row that says whether those were all.
  const isSure = rows[0]!.is_all || (rows.length === limit && rows.at(-1)!.is_best);
  return isSure ? rows.filter(({ provider_id }) => provider_id !== null) : undefined;
}

const amongAll = (isQuoted: boolean) => candidates(placementRows, isQuoted);

/** The best among `rows`, numbered. */
const candidates = (rows: string, isQuoted: boolean) => {
  const place = `${isQuoted ? 'q.promised is null, ' : ''}${placementRankSql}, free_gpus, provider_id`;
  return `
    select provider_id, free_gpus, failures, node_name, gpu_type, gpu_model, gpu_resource, gpu_price::text, cpu_price::text,
           memory_price::text, storage_price::text, ${isQuoted ? 'q.promised::text' : 'null'} as quoted, o.cheapest::text,
           o.gpus::float8 as offered_gpus, o.cpu::float8 as offered_cpu, o.memory::float8 as offered_memory,
           o.storage::float8 as offered_storage, ${placementRankSql} as rank,
           ${isQuoted ? 'q.promised is not null' : 'false'} as is_promised,
           row_number() over (order by ${place}) as place
      from (${fitting(rows)}) p ${isQuoted ? quotedJoin : ''},
           lateral (${offeredSql('$7', mayExceedShareSql(orderedTerms))}) o,
           lateral (select ${isQuoted ? `least(${orderRateSql}, q.promised)` : orderRateSql} as rate offset 0) cost
     where ${paysSql} and ${isPricedSql}
     order by ${place}
     limit $12`;
};

function candidateOf(order: JobOrder, row: CandidateRow): Candidate {
  const portsRate = portsRateOf(order);
  const offered = {
    ...{ gpus: row.offered_gpus, cpuCores: row.offered_cpu, memoryMb: row.offered_memory },
    storageGb: row.offered_storage,
  };
  const prices = {
    ...{ gpuPrice: row.gpu_price, cpuPrice: row.cpu_price, memoryPricePerGb: row.memory_price },
    ...{ storagePricePerGb: row.storage_price, cheapestGpuPrice: row.cheapest },
  };
  const found = portsRate + jobRate(order, { ...prices, offered });
  const rate = row.quoted === null ? found : lesser(found, BigInt(row.quoted) + portsRate);
  const placement: Placement = {
    providerId: row.provider_id,
    nodeName: row.node_name,
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type, gpuModel: row.gpu_model ?? row.gpu_type }),
    ...(row.gpu_resource === null ? {} : { gpuResource: row.gpu_resource }),
    pricePerHour: priceOf(rate),
    rate: rate.toString(),
  };
  return { placement, hasFailed: row.failures > 0 };
}

/** The promised rates as `q`, of the rows `p`; `least` of a rate and of none is the rate. */
const quotedJoin = `
  left join unnest($19::text[], $20::text[], $21::numeric[]) as q (at_provider, of_type, promised)
         on q.at_provider = p.provider_id and q.of_type = coalesce(p.gpu_type, '')`;

/** Of machines: without what ports cost everywhere. */
const columnsOf = (quoted: readonly QuotedRate[], portsRate: bigint) => [
  quoted.map(({ providerId }) => providerId),
  quoted.map(({ gpuType }) => gpuType),
  quoted.map(({ rate }) => (rate > portsRate ? rate - portsRate : 0n).toString()),
];

/** The free GPUs of one type, with the API's field names. */
export interface FreeGpus {
  gpu_type: string;
  /** The total over all providers that take jobs now. */
  available_gpus: number;
  /** The most that a single provider has, since a job runs at one provider. */
  most_at_one_provider: number;
  /** The price of the cheapest GPU of the type. */
  price_per_hour: number;
  /** The smallest memory among its GPUs, if known. */
  vram_gb?: number;
}

/** The GPUs that are free and offered now, by type, for a customer whose order found no capacity. */
export async function freeCapacity(
  db: Queryable,
  { gpuTypes }: { gpuTypes?: readonly string[] },
  site: SitePrices,
): Promise<FreeGpus[]> {
  const { rows } = await db.query<Omit<FreeGpus, 'vram_gb'> & { vram_gb: number | null }>(
    `select r.name as gpu_type, sum(r.total - r.rented)::int as available_gpus,
            max(r.total - r.rented)::int as most_at_one_provider, min(cost.price)::float8 as price_per_hour,
            min(r.vram_gb) as vram_gb
       from provider_resources r join providers p using (provider_id) left join provider_starts s using (provider_id),
            lateral (select ${gpuPriceSql('r.price_per_hour', 'r.name', '$2')} as price) cost
      where r.kind = 'gpu' and ($1::text[] is null or r.name = any ($1)) and ${isFreeSql('cost.price', '$3')}
      group by r.name order by r.name`,
    [gpuTypes ?? null, siteParameter(site), site.ALLOW_FREE_JOBS],
  );
  return rows.map(({ vram_gb, ...free }) => ({ ...free, ...(vram_gb === null ? {} : { vram_gb }) }));
}
