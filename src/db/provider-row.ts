import type { PriceSource } from '../domain/gpu-prices.js';
import type { SystemSpec } from '../domain/machine.js';
import { machineTermsOf, machineTermsSql, type MachineTerms, type MachineTermsRow } from './machine-terms.js';
import { gpuPriceSql } from './offers.js';
import type { ProviderStatus } from '../wire/statuses.js';

/** What of one kind a provider has: GPUs and pods in pieces, cpu in cores, memory in MB, storage in GB. */
export interface ProviderResource {
  kind: 'gpu' | 'cpu' | 'memory' | 'pods' | 'storage';
  /** A `gpuTypeKey`; '' for the other kinds. */
  name: string;
  /** GPUs as the provider calls them. */
  model: string;
  /** What may be sold, or is; never less than `rented`. */
  total: number;
  rented: number;
  /** Token units for one GPU and hour, whoever set it. */
  pricePerHour: number;
  priceSource: PriceSource;
}

/** A provider as the database has it. */
export interface ProviderRow extends MachineTerms {
  providerId: string;
  /** Lower case. */
  wallet: string;
  nodeName?: string;
  /** `busy` is `available` without a free GPU or room for a pod, or cordoned: it follows and is written nowhere. */
  status: ProviderStatus;
  statusReason: string;
  spec: SystemSpec;
  publicIp?: string;
  cordoned: boolean;
  /** When the last of its jobs ends, where that was ordered. */
  drainUntil?: Date;
  /** Its node runs jobs in user namespaces of their own. */
  userNamespaces: boolean;
  /** It leaves the fleet after its last job. */
  retiring: boolean;
  heartbeatAlive: boolean;
  /** GPUs it offers, whatever the cluster counts. */
  offeredGpus: number;
  /** Why its GPUs are not sold as they were registered; '' where they are. */
  gpusReason: string;
  /** Of its first GPU type. */
  gpuModel?: string;
  resources: ProviderResource[];
  lastHeartbeat?: Date;
  registeredAt: Date;
  joinedAt?: Date;
}

export interface ProviderTableRow extends MachineTermsRow {
  provider_id: string;
  wallet_addr: string;
  node_name: string | null;
  status: ProviderStatus;
  status_reason: string;
  spec: SystemSpec;
  public_ip: string | null;
  cordoned: boolean;
  drain_until: Date | null;
  user_namespaces: boolean;
  retiring: boolean;
  heartbeat_alive: boolean;
  offered_gpus: number;
  gpus_reason: string;
  gpu_model: string | null;
  resources: {
    kind: ProviderResource['kind'];
    name: string;
    model: string;
    total: number;
    rented: number;
    own_price: number;
    price: number;
  }[];
  last_heartbeat: Date | null;
  registered_at: Date;
  joined_at: Date | null;
}

const derivedStatus = `case when p.status = 'available' and (p.cordoned or r.free_pods = 0 or (r.has_gpus and r.free_gpus = 0)) then 'busy'
                            else p.status end`;

/** What the status follows from, and the price by which providers are sorted. */
const figures = `
             coalesce(bool_or(kind = 'gpu' and total > 0), false) as has_gpus,
             coalesce(sum(total - rented) filter (where kind = 'gpu'), 0) as free_gpus,
             coalesce(sum(total - rented) filter (where kind = 'pods'), 0) as free_pods,
             coalesce(min(price) filter (where kind = 'gpu' and ($1::text[] is null or name = any ($1::text[]))), 0)
               as gpu_price`;
const itsResources = `
        from provider_resources,
             lateral (select case when kind = 'gpu' then ${gpuPriceSql('price_per_hour', 'name', '$2')} else 0 end as price) cost
       where provider_id = p.provider_id`;

/** Providers as `p` and `r` for conditions and an order, as in `selectProviders` but without what is only shown. */
export const comparedProviders = `providers p cross join lateral (select ${figures} ${itsResources}) r`;

/**
 * Selects providers as `p`, with their resources as `r` and their heartbeat as `h`; a where clause follows. $1 are the
 * GPU types whose price `r.gpu_price` is, null for the cheapest of all; $2 the `siteParameter`.
 */
export const selectProviders = `
  select p.provider_id, p.wallet_addr, p.node_name, ${derivedStatus} as status, p.status_reason, p.spec, p.public_ip,
         p.cordoned, p.drain_until, p.retiring, p.heartbeat_alive,
         coalesce((p.allocatable ->> 'userNamespaces')::boolean, false) as user_namespaces,
         (select coalesce(sum((g ->> 'count')::int), 0)::int from jsonb_array_elements(p.offer -> 'gpus') g) as offered_gpus,
         p.gpus_reason, p.offer -> 'gpus' -> 0 ->> 'model' as gpu_model, r.resources,${machineTermsSql},
         h.last_heartbeat, p.registered_at, p.joined_at
    from providers p
    left join provider_heartbeats h using (provider_id)
    left join provider_starts s using (provider_id)
    cross join lateral (
      select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'name', name, 'model', model, 'total', total,
                                                   'rented', rented, 'own_price', price_per_hour, 'price', price)
                                order by kind, name), '[]') as resources,
             ${figures}
        ${itsResources}
    ) r`;

/** True for a provider that takes no jobs and has none: it may be turned off. */
export function isDrained({ cordoned, resources }: Pick<ProviderRow, 'cordoned' | 'resources'>): boolean {
  return cordoned && resources.every(({ rented }) => rented === 0);
}

/** The status customers see, for a where clause. */
export const shownStatus = derivedStatus;

export function providerOf(row: ProviderTableRow): ProviderRow {
  return {
    providerId: row.provider_id,
    wallet: row.wallet_addr,
    ...(row.node_name === null ? {} : { nodeName: row.node_name }),
    status: row.status,
    statusReason: row.status_reason,
    spec: row.spec,
    ...(row.public_ip === null ? {} : { publicIp: row.public_ip }),
    cordoned: row.cordoned,
    ...(row.drain_until === null ? {} : { drainUntil: row.drain_until }),
    userNamespaces: row.user_namespaces,
    retiring: row.retiring,
    heartbeatAlive: row.heartbeat_alive,
    offeredGpus: row.offered_gpus,
    gpusReason: row.gpus_reason,
    ...(row.gpu_model === null ? {} : { gpuModel: row.gpu_model }),
    resources: row.resources.map(({ own_price: own, price, ...resource }) => ({
      ...resource,
      pricePerHour: price,
      priceSource: priceSourceOf(own, price),
    })),
    ...machineTermsOf(row),
    ...(row.last_heartbeat === null ? {} : { lastHeartbeat: row.last_heartbeat }),
    registeredAt: row.registered_at,
    ...(row.joined_at === null ? {} : { joinedAt: row.joined_at }),
  };
}

/** An agent's 0 is a price that was never set. */
export function priceSourceOf(own: number, price: number): PriceSource {
  return own > 0 ? 'provider' : price > 0 ? 'operator' : 'none';
}
