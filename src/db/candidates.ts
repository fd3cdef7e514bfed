import type { SitePrices } from '../config.js';
import { plainGpuResource } from '../domain/gpu-resources.js';
import type { JobOrder, Placement } from '../domain/job.js';
import { jobRate, priceOf, rateOf } from '../domain/pricing.js';
import { isUnblockedSql } from './blocks.js';
import {
  gpuPriceSql,
  failuresSql,
  isFreeSql,
  isOfferedSql,
  isTrustedSql,
  mayExceedShareSql,
  offeredSql,
  rateSql,
  siteParameter,
} from './offers.js';
import { isDoubtedSql } from './provider-failures.js';
import { gpuTypeParameters, isEnoughSql, isTypeSql } from './gpu-types.js';
import type { Queryable } from './pool.js';

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
  cheapest: string;
  offered_gpus: number;
  offered_cpu: number;
  offered_memory: number;
  offered_storage: number;
}

/**
 * Whether a machine runs images of an architecture. An order that names none gets the one most images are built for.
 */
const runsSql = (provider: string, architecture: string) =>
  `(${provider}.architecture = coalesce(${architecture}::text, 'amd64')
    or (${architecture}::text is null and ${provider}.architecture = ''))`;

/** A provider where the customer's last job did not start is chosen only if the others cost twice as much. */
const doubtWeight = 4;

/** The providers that an order fits, at any price; $8 and $9 bound the time for which they must be offered. */
const fitting = `
  select p.provider_id, p.node_name, g.name as gpu_type, g.model as gpu_model, p.offer,
         nullif(g.resource_name, '${plainGpuResource}') as gpu_resource,
         case when $2 > 0 then ${gpuPriceSql('g.price_per_hour', 'g.name', '$7')} else 0 end as gpu_price,
         p.cpu_price_per_hour as cpu_price, p.memory_price_per_gb_hour as memory_price,
         coalesce(g.total - g.rented, 0) as free_gpus, ${failuresSql('s')} + case when ${isDoubtedSql('p', '$20')} then ${doubtWeight} else 0 end as failures
    from providers p
    left join provider_starts s on s.provider_id = p.provider_id
    left join provider_resources g on g.provider_id = p.provider_id and g.kind = 'gpu' and $2 > 0
   where p.status = 'available' and not p.cordoned and p.node_name is not null and ${isUnblockedSql}
     and ${isTypeSql('g', '$1', '$13', '$14')} and ${isEnoughSql('g', '$15', '$16')}
     and ${runsSql('p', '$17')}
     and ($2 = 0 or g.total - g.rented >= $2)
     and ($6::text is null or p.provider_id = $6) and p.provider_id <> all ($18::text[])
     and ($9::boolean or (${isOfferedSql('$8')})) and ($19::boolean or ${isTrustedSql('s')})
     and not exists (
       select from (values ('cpu', $3::bigint), ('memory', $4::bigint), ('pods', 1), ('storage', $5::bigint)) as need (kind, amount)
        where not exists (
          select from provider_resources r
           where r.provider_id = p.provider_id and r.kind = need.kind and r.name = ''
             and r.total - r.rented >= need.amount))`;

const ordered = { gpus: '$2', cpuCores: '$3', memoryMb: '$4', storageGb: '$5' };
const rate = rateSql({
  ...ordered,
  ...{ gpuPrice: 'p.gpu_price', cpuPrice: 'p.cpu_price', memoryPrice: 'p.memory_price', offered: 'o' },
});

/**
 * The cheapest providers for an order, at most `limit`, among those whose owners offer them for the whole duration. At
 * the same price the fuller provider comes first, so that large orders find whole machines. A provider that failed to
 * start jobs ranks as if it cost a quarter more for each affected wallet, and is excluded while suspended. Providers
 * without a price are excluded unless the site allows free jobs. Capacity may be gone by the time it is requested:
 * `allocate` decides.
 */
export async function placementCandidates(
  db: Queryable,
  order: JobOrder,
  site: SitePrices,
  limit: number,
): Promise<Placement[]> {
  return (await findCandidates(db, order, site, limit)).map(({ placement }) => placement);
}

/** The rates of the same providers in base units per hour, and whether they have recently failed to start jobs. */
export async function offeredRates(
  db: Queryable,
  order: JobOrder,
  site: SitePrices,
  limit: number,
): Promise<{ rate: bigint; hasFailed: boolean }[]> {
  const candidates = await findCandidates(db, order, site, limit);
  return candidates.map(({ placement, hasFailed }) => ({ rate: BigInt(placement.rate!), hasFailed }));
}

/**
 * The single condition that excludes an order from providers with room for it, for the customer; `undefined` if
 * several.
 */
export async function whatKeepsOut(db: Queryable, order: JobOrder, site: SitePrices): Promise<string | undefined> {
  const { maxPricePerHour, maxRate, ...unbound } = order;
  // Nothing was on offer when the order arrived, so nothing was reserved: a bound of 0 is not the customer's.
  const wanted = boundOf(order) === 0n ? unbound : order;
  const another = async (prices: SitePrices, whom: { atAnyTime?: boolean; whoeverFailed?: boolean }) =>
    (await findCandidates(db, wanted, prices, 1, whom)).length > 0;
  if (await another(site, { whoeverFailed: true }))
    return 'who has it failed to start the jobs of others, and is out for a while';
  if (await another(site, { atAnyTime: true })) return 'who has it does not offer it for so long, or not yet';
  if (!site.ALLOW_FREE_JOBS && (await another({ ...site, ALLOW_FREE_JOBS: true }, {}))) {
    return 'who has it has set no price for it';
  }
  return undefined;
}

async function findCandidates(
  db: Queryable,
  order: JobOrder,
  site: SitePrices,
  limit: number,
  { atAnyTime = false, whoeverFailed = false }: { atAnyTime?: boolean; whoeverFailed?: boolean } = {},
): Promise<{ placement: Placement; hasFailed: boolean }[]> {
  const [types, certain, vramGb] = await gpuTypeParameters(db, order.gpuType);
  const { rows } = await db.query<CandidateRow>(
    `select provider_id, failures, node_name, gpu_type, gpu_model, gpu_resource, gpu_price::text, cpu_price::text, memory_price::text,
            o.cheapest::text, o.gpus::float8 as offered_gpus, o.cpu::float8 as offered_cpu,
            o.memory::float8 as offered_memory, o.storage::float8 as offered_storage
       from (${fitting}) p, lateral (${offeredSql('$7', mayExceedShareSql(ordered))}) o, lateral (select ${rate} as rate) cost
      where ($10::numeric is null or rate <= $10) and (rate > 0 or $11::boolean)
      order by rate * (4 + least(failures, 12)), free_gpus, provider_id
      limit $12`,
    [
      types,
      order.gpuCount,
      order.cpuCores,
      order.memoryMb,
      order.storageGb,
      order.providerId ?? null,
      siteParameter(site),
      order.durationSeconds,
      atAnyTime,
      boundOf(order)?.toString() ?? null,
      site.ALLOW_FREE_JOBS,
      limit,
      certain,
      vramGb,
      order.minVramGb ?? null,
      order.minCuda ?? null,
      order.architecture ?? null,
      order.excludeProviders ?? [],
      whoeverFailed,
      order.wallet,
    ],
  );
  return rows.map((row) => {
    const found = jobRate(order, {
      gpuPrice: row.gpu_price,
      cpuPrice: row.cpu_price,
      memoryPricePerGb: row.memory_price,
      cheapestGpuPrice: row.cheapest,
      offered: {
        gpus: row.offered_gpus,
        cpuCores: row.offered_cpu,
        memoryMb: row.offered_memory,
        storageGb: row.offered_storage,
      },
    });
    const placement: Placement = {
      providerId: row.provider_id,
      nodeName: row.node_name,
      ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type, gpuModel: row.gpu_model ?? row.gpu_type }),
      ...(row.gpu_resource === null ? {} : { gpuResource: row.gpu_resource }),
      pricePerHour: priceOf(found),
      rate: found.toString(),
    };
    return { placement, hasFailed: row.failures > 0 };
  });
}

/** The highest acceptable rate of an order, in base units per hour. */
function boundOf({ maxRate, maxPricePerHour }: JobOrder): bigint | undefined {
  if (maxRate !== undefined) return BigInt(maxRate);
  return maxPricePerHour === undefined ? undefined : rateOf(maxPricePerHour);
}

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
