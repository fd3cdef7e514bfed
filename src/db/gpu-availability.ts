import type { SitePrices } from '../config.js';
import type { GpuNeeds } from '../domain/gpu-needs.js';
import type { PriceSource } from '../domain/gpu-prices.js';
import { isProviderId } from '../domain/provider.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { gpuTypeParameters, isEnoughSql, isTypeSql, typeNamesSql } from './gpu-types.js';
import { gpuPriceSql, hasOtherPricesSql, isFreeSql, siteParameter, withoutPrices } from './offers.js';
import { machineTermsOf, machineTermsSql, type MachineTerms, type MachineTermsRow } from './machine-terms.js';
import type { Queryable } from './pool.js';
import { priceSourceOf } from './provider-row.js';

/** What one provider has of one GPU type. */
export interface GpuAvailability extends MachineTerms {
  providerId: string;
  gpuType: string;
  vramGb?: number;
  totalGpus: number;
  availableGpus: number;
  /** True if its node is ready and its agent alive. */
  clusterOnline: boolean;
  canCreateJob: boolean;
  /** As the provider calls it. */
  gpuModel: string;
  /** Of one GPU, token units. */
  pricePerHour: number;
  priceSource: PriceSource;
  /** Why there are none of this type; '' if there are, or the reason is unknown. */
  gpusReason: string;
}

/** A type that no provider is asked for: any. */
export type AvailabilitySearch = { gpuType?: string } & GpuNeeds & { limit: number; cursor?: string };

export interface AvailabilityPage {
  rows: GpuAvailability[];
  /** Of all pages. */
  totalGpus: number;
  availableGpus: number;
  nextCursor?: string;
}

/** GPUs `r` of providers that have joined and are of the architecture that is asked for. */
const isAsked = `r.kind = 'gpu' and ${isTypeSql('r', '$1', '$2', '$3')} and ${isEnoughSql('r', '$4', '$5')}`;
const isOfFleet = `exists (select from providers p where p.provider_id = r.provider_id and p.joined_at is not null
                     and ($6::text is null or p.architecture = $6))`;
const isNotOfFleet = `exists (select from providers p where p.provider_id = r.provider_id
                     and (p.joined_at is null or p.architecture <> $6::text))`;

/** The place of a row in the list: those that are sold come first. `$10` to `$13` are the place after which a page begins. */
const isAfter = `($10::boolean is null
       or (not g.sold, g.price, g.provider_id, g.name) > (not $10::boolean, $11::numeric, $12::text, $13::text))`;

const isUnpriced = 'r.price_per_hour = 0 and types.price = 0 and not $8::boolean';
const hasOtherPrices = `exists (select from providers x where x.provider_id = r.provider_id and ${hasOtherPricesSql('x')})`;
/** Of GPUs that cost all the same, `price`: by an index, only those from the page's place on, and none where that is past them. */
const fromPlaceOf = (price: string) =>
  `($10::boolean is null or ($10::boolean and ${price} >= $11::numeric
     and r.provider_id >= case when ${price} = $11::numeric then $12::text else '' end))`;

/** The GPUs of one type, in parts that indexes have in the order of the list. */
const parts: { of: string; sold: boolean; price: string; from: string }[] = [
  {
    ...{ of: 'r.price_per_hour > 0', sold: true, price: 'r.price_per_hour' },
    from: `($10::boolean is null or ($10::boolean and (r.price_per_hour, r.provider_id) >= ($11::numeric, $12::text)))`,
  },
  {
    ...{ of: 'r.price_per_hour = 0 and (types.price > 0 or $8::boolean)', sold: true, price: 'types.price' },
    from: fromPlaceOf('types.price'),
  },
  { of: `${isUnpriced} and ${hasOtherPrices}`, sold: true, price: '0::numeric', from: fromPlaceOf('0') },
  {
    ...{ of: `${isUnpriced} and not ${hasOtherPrices}`, sold: false, price: '0::numeric' },
    from: `(coalesce($10::boolean, true) or r.provider_id >= $12::text)`,
  },
];

const partSql = ({ of, sold, price, from }: (typeof parts)[number]) => `
  (select g.* from (
     select r.provider_id, r.name, ${sold} as sold, ${price} as price, r.price_per_hour
       from provider_resources r
      where r.name = types.name and ${isAsked} and ${of} and ${from} and ${isOfFleet}) g
    where ${isAfter}
    order by g.price_per_hour, g.provider_id
    limit $9)`;

const pageSql = `
  with types as (
    select t.name, d.price
      from (${typeNamesSql('$1')}) t, lateral (select ${gpuPriceSql('0', 't.name', '$7')} as price) d
  ), page as materialized (
    select g.provider_id, g.name, g.sold, g.price
      from types, lateral (${parts.map(partSql).join(' union all ')}) g
     order by not g.sold, g.price, g.provider_id, g.name
     limit $9
  )
  select provider_id, r.name as gpu_type, r.vram_gb, r.model, r.total, r.total - r.rented as free,
         p.node_ready and p.heartbeat_alive as online, ${isFreeSql('page.price', '$8')} as can_create_job,
         r.price_per_hour::float8 as own_price, page.price::float8 as price, page.price::text as exact_price, page.sold,${machineTermsSql},
         case when r.total = 0 then p.gpus_reason else '' end as gpus_reason
    from page join provider_resources r using (provider_id, name) join providers p using (provider_id)
         left join provider_starts s using (provider_id)
   where r.kind = 'gpu'
   order by not page.sold, page.price, provider_id, r.name`;

const totalsSql = `
  select coalesce(sum(r.total), 0)::float8 as total, coalesce(sum(r.total - r.rented), 0)::float8 as free
    from provider_resources r where ${isAsked} and not ${isNotOfFleet}`;

interface AvailabilityTableRow extends MachineTermsRow {
  provider_id: string;
  gpu_type: string;
  vram_gb: number | null;
  model: string;
  total: number;
  free: number;
  online: boolean;
  can_create_job: boolean;
  own_price: number;
  price: number;
  exact_price: string;
  sold: boolean;
  gpus_reason: string;
}

/**
 * Free GPUs per provider and type, the cheapest first and those that are not sold last; the type may be in any spelling.
 * Rented GPUs of a provider that is away stay rented.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function gpuAvailability(
  db: Queryable,
  { gpuType, minVramGb, minCuda, architecture, limit, cursor }: AvailabilitySearch,
  site: SitePrices = withoutPrices,
): Promise<AvailabilityPage> {
  const place = cursor === undefined ? [] : placeOf(cursor);
  const [types, certain, vramGb] = await gpuTypeParameters(db, gpuType);
  const asked = [types, certain, vramGb, minVramGb ?? null, minCuda ?? null, architecture ?? null];
  const { rows } = await db.query<AvailabilityTableRow>(pageSql, [
    ...asked,
    siteParameter(site),
    site.ALLOW_FREE_JOBS,
    limit + 1,
    ...[0, 1, 2, 3].map((at) => place[at] ?? null),
  ]);
  const { rows: totals } = await db.query<{ total: number; free: number }>(totalsSql, asked);
  const last = rows[limit - 1];
  return {
    rows: rows.slice(0, limit).map(availabilityOf),
    totalGpus: totals[0]!.total,
    availableGpus: totals[0]!.free,
    ...(rows.length > limit && last !== undefined
      ? { nextCursor: encodeCursor(String(last.sold), last.exact_price, last.provider_id, last.gpu_type) }
      : {}),
  };
}

/** The place of the last row that a client has read. */
function placeOf(cursor: string): string[] {
  return decodeCursor(
    cursor,
    (part) => part === 'true' || part === 'false',
    (part) => /^\d{1,60}(?:\.\d{1,60})?$/.test(part),
    isProviderId,
    (part) => /^[a-z0-9-]{1,128}$/.test(part),
  );
}

function availabilityOf(row: AvailabilityTableRow): GpuAvailability {
  return {
    providerId: row.provider_id,
    gpuType: row.gpu_type,
    ...(row.vram_gb === null ? {} : { vramGb: row.vram_gb }),
    gpuModel: row.model,
    totalGpus: row.total,
    availableGpus: row.free,
    clusterOnline: row.online,
    canCreateJob: row.can_create_job,
    pricePerHour: row.price,
    priceSource: priceSourceOf(row.own_price, row.price),
    gpusReason: row.gpus_reason,
    ...machineTermsOf(row),
  };
}
