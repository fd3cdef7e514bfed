import type { SitePrices } from '../config.js';
import type { Architecture } from '../domain/gpu-needs.js';
import { gpuResourcesText } from '../domain/gpu-resources.js';
import { machineLimits, isProviderId, type NodeAllocatable } from '../domain/provider.js';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import { gpuTypeParameters, isEnoughSql, isTypeSql } from './gpu-types.js';
import { gpuPriceSql, isSoldSql, siteParameter, withoutPrices } from './offers.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';
import {
  comparedProviders,
  providerOf,
  selectProviders,
  shownStatus,
  type ProviderRow,
  type ProviderTableRow,
} from './provider-row.js';
import type { ProviderStatus } from '../wire/statuses.js';

export { isDrained, type ProviderResource, type ProviderRow } from './provider-row.js';

// Callers that show prices pass `site`: without it, a GPU without its provider's own price has none.

export async function findProvider(
  db: Queryable,
  providerId: string,
  site: SitePrices = withoutPrices,
): Promise<ProviderRow | undefined> {
  const { rows } = await db.query<ProviderTableRow>(`${selectProviders} where p.provider_id = $3`, [
    null,
    siteParameter(site),
    providerId,
  ]);
  return rows[0] && providerOf(rows[0]);
}

/** Where a provider says that it is reached; undefined for one that does not say, or is unknown. */
export async function publicIpOf(db: Queryable, providerId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ public_ip: string | null }>(
    prepared('select public_ip from providers where provider_id = $1'),
    [providerId],
  );
  return rows[0]?.public_ip ?? undefined;
}

/**
 * All providers of the fleet, or of a wallet, in the order of registration. Retired ones can only be found by id.
 *
 * @param page `wallet` in lower case.
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listProviders(
  db: Queryable,
  { limit, cursor, wallet }: { limit: number; cursor?: string; wallet?: string | undefined },
  site: SitePrices = withoutPrices,
): Promise<{ providers: ProviderRow[]; nextCursor?: string }> {
  const [registeredAt, providerId] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isProviderId);
  const { rows } = await db.query<ProviderTableRow>(
    `${selectProviders}
      where p.status <> 'retired' and ($3::timestamptz is null or (p.registered_at, p.provider_id) > ($3, $4))
        and ($6::text is null or p.wallet_addr = $6)
      order by p.registered_at, p.provider_id
      limit $5`,
    [null, siteParameter(site), registeredAt ?? null, providerId ?? null, limit + 1, wallet ?? null],
  );
  const providers = rows.slice(0, limit).map(providerOf);
  const last = providers.at(-1);
  return {
    providers,
    ...(rows.length > limit && last !== undefined
      ? { nextCursor: encodeCursor(last.registeredAt.toISOString(), last.providerId) }
      : {}),
  };
}

interface ProviderSearch {
  status?: ProviderStatus;
  /** In any spelling. */
  gpuType?: string;
  minVramGb?: number;
  /** As `cudaNumber`. */
  minCuda?: number;
  architecture?: Architecture;
  /** Free GPUs, of that type where one is given. */
  gpuCount?: number;
  minMemoryMb?: number;
  minCpuCores?: number;
  minStorageGb?: number;
  /** Of one GPU, token units per hour. */
  maxPricePerHour?: number;
  sort: 'price' | 'available_gpus' | 'registered_at';
  limit: number;
  offset: number;
}

const orders: Record<ProviderSearch['sort'], string> = {
  // GPUs without a price sort last unless the site gives them away.
  price: `${isSoldSql('r.gpu_price', '$11')} desc, r.gpu_price, p.provider_id`,
  available_gpus: 'r.free_gpus desc, p.provider_id',
  registered_at: 'p.registered_at, p.provider_id',
};

/** Whether a search finds the provider `p` with the figures `r`. */
const matchesSql = `
  ${shownStatus} = coalesce($3, 'available')
  and ($16::text is null or p.architecture = $16)
  and (($1::text[] is null and $4::int is null and $5::numeric is null and $14::numeric is null and $15::int is null) or exists (
    select from provider_resources g,
           lateral (select ${gpuPriceSql('g.price_per_hour', 'g.name', '$2')} as price) cost
     where g.provider_id = p.provider_id and g.kind = 'gpu' and ${isTypeSql('g', '$1', '$12', '$13')}
       and ${isEnoughSql('g', '$14', '$15')} and g.total > 0 and ($4::int is null or g.total - g.rented >= $4)
       and ($5::numeric is null or cost.price <= $5) and ${isSoldSql('cost.price', '$11')}))
  and not exists (
    select from (values ('cpu', $6::numeric), ('memory', $7::numeric), ('storage', $8::numeric)) as need (kind, amount)
     where need.amount is not null and not exists (
       select from provider_resources f
        where f.provider_id = p.provider_id and f.kind = need.kind and f.total - f.rented >= need.amount))`;

/**
 * Finds matching providers. Sizes refer to what is free now; only `available` providers match unless a status is given.
 * GPUs that are not sold never match. All of a provider is read only of those on the page.
 */
export async function searchProviders(
  db: Queryable,
  search: ProviderSearch,
  site: SitePrices = withoutPrices,
): Promise<ProviderRow[]> {
  const [types, certain, vramGb] = await gpuTypeParameters(db, search.gpuType);
  const page = `where ${matchesSql} order by ${orders[search.sort]} limit $9 offset $10`;
  const { rows } = await db.query<ProviderTableRow>(
    // An index has them in the order of registration: no more are read than come before the end of the page.
    search.sort === 'registered_at'
      ? `${selectProviders} ${page}`
      : `with page as materialized (select p.provider_id from ${comparedProviders} ${page})
         ${selectProviders} join page on page.provider_id = p.provider_id order by ${orders[search.sort]}`,
    [
      types,
      siteParameter(site),
      search.status ?? null,
      search.gpuCount ?? null,
      search.maxPricePerHour ?? null,
      search.minCpuCores ?? null,
      search.minMemoryMb ?? null,
      search.minStorageGb ?? null,
      search.limit,
      search.offset,
      site.ALLOW_FREE_JOBS,
      certain,
      vramGb,
      search.minVramGb ?? null,
      search.minCuda ?? null,
      search.architecture ?? null,
    ],
  );
  return rows.map(providerOf);
}

/** The provider whose node has this name. */
export async function providerByNode(db: Queryable, nodeName: string): Promise<string | undefined> {
  const { rows } = await db.query<{ provider_id: string }>('select provider_id from providers where node_name = $1', [
    nodeName,
  ]);
  return rows[0]?.provider_id;
}

/** A provider's node as last recorded; without `nodeUid`, it has never been seen. */
interface KnownNode {
  providerId: string;
  nodeName: string;
  nodeUid?: string;
  nodeReady: boolean;
  nodeGpus: number;
  /** `gpuResourcesText` of what it counted. */
  gpuResources?: string;
}

export async function providersWithNodes(db: Queryable): Promise<KnownNode[]> {
  const { rows } = await db.query<{
    provider_id: string;
    node_name: string;
    node_uid: string | null;
    node_ready: boolean;
    gpus: number | null;
    allocatable: NodeAllocatable | null;
  }>(
    `select provider_id, node_name, node_uid, node_ready, least((allocatable ->> 'gpus')::numeric, $1)::int as gpus,
            allocatable
       from providers where node_name is not null`,
    // Earlier versions stored whatever a node reported.
    [machineLimits.gpus],
  );
  return rows.map((row) => {
    const gpuResources = row.allocatable === null ? undefined : gpuResourcesText(row.allocatable);
    return {
      providerId: row.provider_id,
      nodeName: row.node_name,
      ...(row.node_uid === null ? {} : { nodeUid: row.node_uid }),
      nodeReady: row.node_ready,
      nodeGpus: row.gpus ?? 0,
      ...(gpuResources === undefined ? {} : { gpuResources }),
    };
  });
}
