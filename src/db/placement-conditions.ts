import type { SitePrices } from '../config.js';
import type { JobOrder } from '../domain/job.js';
import { rateOf } from '../domain/pricing.js';
import { isUnblockedSql } from './blocks.js';
import { gpuTypeParameters, isEnoughSql, isTypeSql } from './gpu-types.js';
import { failuresSql, gpuPriceSql, isOfferedSql, isTrustedSql, listRateSql, rateSql, siteParameter } from './offers.js';
import { isDoubtedSql } from './provider-failures.js';
import type { Queryable } from './pool.js';

/**
 * The conditions under which a provider may get an order, by name. Placement requires all of them; offers and quotes
 * ask each of them, with the same parameters, so that they say what the placement would do.
 */

/**
 * Whether a machine runs images of an architecture. An order that names none gets the one most images are built for.
 */
const runsSql = (provider: string, architecture: string) =>
  `(${provider}.architecture = coalesce(${architecture}::text, 'amd64')
    or (${architecture}::text is null and ${provider}.architecture = ''))`;

/** Rows of `p` (a provider), `g` (its GPUs of one type, if the order has GPUs) and `s` (its failed starts). */
export const placementRows = `
  providers p
    left join provider_starts s on s.provider_id = p.provider_id
    left join provider_resources g on g.provider_id = p.provider_id and g.kind = 'gpu' and $2 > 0`;

/** Its four rows are read at once, because a fleet has many of them. A comparison out here would pass for one that few meet. */
const hasRoom = `(
       select count(*) = 4 from provider_resources r
        where r.provider_id = p.provider_id and r.name = ''
          and r.total - r.rented >= case r.kind when 'cpu' then $3::bigint when 'memory' then $4::bigint when 'pods' then 1
                                                when 'storage' then $5::bigint end)`;

/** What an order asks of whom it may get at all: these do not change while it waits. */
export const askedConditions = {
  type: isTypeSql('g', '$1', '$13', '$14'),
  vram: isEnoughSql('g', '$15', 'null'),
  cuda: isEnoughSql('g', 'null', '$16'),
  architecture: runsSql('p', '$17'),
  provider: `(($6::text is null or p.provider_id = $6) and p.provider_id <> all ($18::text[]))`,
} as const;

/** What decides whether a provider can take it now. */
export const presentConditions = {
  serving: `(p.status = 'available' and p.node_name is not null)`,
  uncordoned: `(not p.cordoned and ${isUnblockedSql})`,
  gpus: '($2 = 0 or g.total - g.rented >= $2)',
  offered: `(${isOfferedSql('$8')})`,
  trusted: isTrustedSql('s'),
  room: hasRoom,
} as const;

/** All of them, for a `where`. */
export const fitsSql = [...Object.values(presentConditions), ...Object.values(askedConditions)].join('\n     and ');

export const orderedTerms = { gpus: '$2', cpuCores: '$3', memoryMb: '$4', storageGb: '$5' };

export const listedTerms = {
  ...orderedTerms,
  ...{ gpuPrice: 'p.gpu_price', cpuPrice: 'p.cpu_price', memoryPrice: 'p.memory_price' },
  storagePrice: 'p.storage_price',
};

/** The rate of an order at a row of `p`, with the lateral row `o` of `offeredSql`. */
export const orderRateSql = rateSql({ ...listedTerms, offered: 'o' });
/** What the list alone would make of it. */
export const orderListRateSql = listRateSql(listedTerms);

/** The price of one GPU of the row `g`; 0 for an order without GPUs. */
export const orderGpuPriceSql = `case when $2 > 0 then ${gpuPriceSql('g.price_per_hour', 'g.name', '$7')} else 0 end`;

/** A provider where the customer's last job did not start is chosen only if the others cost twice as much. */
const doubtWeight = 4;

/** How many failures rank the provider of the rows `p` and `s` behind others. */
export const orderFailuresSql = `${failuresSql('s')} + case when ${isDoubtedSql('p', '$9')} then ${doubtWeight} else 0 end`;

/** Providers by this: a failure counts as a quarter of the price. */
export const placementRankSql = 'rate * (4 + least(failures, 12))';
/** The rank of a sound provider at a rate: no other of that rate comes before it. */
export const soundRankSql = (rate: string) => `${rate} * 4`;

/** Whether the price of a placement is acceptable to the customer, and to the site. */
export const paysSql = '($10::numeric is null or rate <= $10)';
export const isPricedSql = '(rate > 0 or $11::boolean)';

/** The parameters of the conditions above: $1 to $18. A statement may add its own behind them. */
export async function placementParameters(
  db: Queryable,
  order: JobOrder,
  site: SitePrices,
  limit: number,
): Promise<unknown[]> {
  const [types, certain, vramGb] = await gpuTypeParameters(db, order.gpuType);
  return [
    types,
    order.gpuCount,
    order.cpuCores,
    order.memoryMb,
    order.storageGb,
    order.providerId ?? null,
    siteParameter(site),
    order.durationSeconds,
    order.wallet,
    machineBoundOf(order)?.toString() ?? null,
    site.ALLOW_FREE_JOBS,
    limit,
    certain,
    vramGb,
    order.minVramGb ?? null,
    order.minCuda ?? null,
    order.architecture ?? null,
    order.excludeProviders ?? [],
  ];
}

/**
 * The highest acceptable rate of a machine: what ports cost comes to it everywhere, so that statements rank and compare
 * machines without it.
 */
function machineBoundOf(order: JobOrder): bigint | undefined {
  const bound = boundOf(order);
  return bound === undefined ? undefined : bound - portsRateOf(order);
}

/** What the ports of an order cost wherever it is placed, in base units per hour. */
export function portsRateOf({ portsRate = '0' }: Pick<JobOrder, 'portsRate'>): bigint {
  return BigInt(portsRate);
}

/** The highest acceptable rate of an order, in base units per hour. */
export function boundOf({ maxRate, maxPricePerHour }: JobOrder): bigint | undefined {
  if (maxRate !== undefined) return BigInt(maxRate);
  return maxPricePerHour === undefined ? undefined : rateOf(maxPricePerHour);
}
