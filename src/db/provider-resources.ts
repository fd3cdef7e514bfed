import type { SitePrices } from '../config.js';
import { plainGpuResource } from '../domain/gpu-resources.js';
import { resourceTargets, type HeldGpus, type SalePlan } from '../domain/placement.js';
import type { GpuOffer, NodeAllocatable, ProviderOffer } from '../domain/provider.js';
import { gpuPriceSql, siteParameter } from './offers.js';
import type { Queryable, Transaction } from './pool.js';
import { prepared } from './prepared.js';

/** The columns of a provider's row that decide what it may sell. */
interface Saleable {
  offer: ProviderOffer;
  allocatable: NodeAllocatable | null;
  /** GPUs of the machine, as it was registered. */
  machineGpus: number;
}

/** Of `providers` as `p`: GPUs that the registration names or counts. */
export const machineGpusSql = `
  greatest(case jsonb_typeof(p.spec -> 'gpus') when 'array' then jsonb_array_length(p.spec -> 'gpus') else 0 end,
           case jsonb_typeof(p.spec -> 'totalGpus') when 'number' then (p.spec ->> 'totalGpus')::numeric else 0 end)::int`;

/** Recomputes and stores what a provider may sell. */
export async function writeResources(tx: Transaction, providerId: string, site: SitePrices): Promise<void> {
  const { rows } = await tx.query<{ offer: ProviderOffer; allocatable: NodeAllocatable | null; machine_gpus: number }>(
    prepared(`select offer, allocatable, ${machineGpusSql} as machine_gpus from providers p
      where provider_id = $1 for no key update`),
    [providerId],
  );
  const row = rows[0];
  if (row === undefined) return;
  const { plan } = await planSale(tx, providerId, { ...row, machineGpus: row.machine_gpus }, site);
  await storeTargets(tx, providerId, plan);
}

/**
 * Computes what a provider may sell. The caller must have locked the provider's row, so that the latest figures are
 * computed last; this function locks its resources.
 */
export async function planSale(
  tx: Transaction,
  providerId: string,
  { offer, allocatable, machineGpus }: Saleable,
  site: SitePrices,
): Promise<{ plan: SalePlan; held: HeldGpus[] }> {
  await lockResources(tx, providerId);
  const held = await heldGpus(tx, providerId);
  const prices = await pricesOf(tx, offer.gpus, site);
  return { held, plan: resourceTargets(offer, allocatable ?? undefined, { held, machineGpus, prices }) };
}

/** Locks a provider's resources in the one order in which everybody does, so that nobody waits in a circle. */
export async function lockResources(tx: Transaction, providerId: string): Promise<void> {
  await tx.query(prepared('select from provider_resources where provider_id = $1 order by kind, name for update'), [
    providerId,
  ]);
}

/** GPUs that jobs hold of a provider, by type and resource. */
export async function heldGpus(db: Queryable, providerId: string): Promise<HeldGpus[]> {
  const { rows } = await db.query<HeldGpus>(
    prepared(`select gpu_type as type, coalesce(gpu_resource, $2) as resource, sum(gpu_count)::int as amount
       from allocations where provider_id = $1 and released_at is null and gpu_count > 0
      group by 1, 2 order by 1, 2`),
    [providerId, plainGpuResource],
  );
  return rows;
}

async function pricesOf(
  tx: Transaction,
  offers: readonly GpuOffer[],
  site: SitePrices,
): Promise<ReadonlyMap<string, number>> {
  // A single offer needs no comparison.
  if (offers.length < 2) return new Map();
  const { rows } = await tx.query<{ type: string; price: number }>(
    `select type, (${gpuPriceSql('own', 'type', '$3')})::float8 as price
       from unnest($1::text[], $2::numeric[]) as t (type, own)`,
    [offers.map(({ type }) => type), offers.map(({ pricePerHour }) => pricePerHour), siteParameter(site)],
  );
  return new Map(rows.map(({ type, price }) => [type, price]));
}

/** GPU types that a provider offered once. */
const typesRemembered = 16;

/** Stores the new totals. `total` never drops below what is rented; it sinks to its target as jobs end. */
export async function storeTargets(tx: Transaction, providerId: string, plan: SalePlan): Promise<void> {
  const targets = [...plan.targets].sort((a, b) => (a.kind + a.name < b.kind + b.name ? -1 : 1));
  await tx.query(
    prepared(`insert into provider_resources as r (provider_id, kind, name, model, target, total, price_per_hour, vram_gb, cuda,
                                          resource_name)
     select $1, kind, name, model, amount, amount, price, vram_gb, cuda, resource_name
       from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::numeric[], $7::int[], $8::int[], $9::text[])
              as t (kind, name, model, amount, price, vram_gb, cuda, resource_name)
     on conflict (provider_id, kind, name) do update
       set model = excluded.model, target = excluded.target, total = greatest(excluded.target, r.rented),
           price_per_hour = excluded.price_per_hour, vram_gb = excluded.vram_gb, cuda = excluded.cuda,
           resource_name = coalesce(excluded.resource_name, r.resource_name)`),
    [
      providerId,
      targets.map(({ kind }) => kind),
      targets.map(({ name }) => name),
      targets.map(({ model }) => model),
      targets.map(({ amount }) => amount),
      targets.map(({ pricePerHour }) => pricePerHour),
      targets.map(({ vramGb }) => vramGb ?? null),
      targets.map(({ cuda }) => cuda ?? null),
      targets.map(({ resource }) => resource ?? null),
    ],
  );
  const offers = targets.filter(({ kind }) => kind === 'gpu').map(({ name }) => name);
  // GPU types no longer offered: keep them while rented, then hide them.
  await tx.query(
    prepared(`update provider_resources set target = 0, total = rented
      where provider_id = $1 and kind = 'gpu' and not (name = any ($2::text[]))`),
    [providerId, offers],
  );
  // Remember the last few types, so that an order for one is told that none is free, not that the type is unknown.
  await tx.query(
    prepared(`delete from provider_resources
      where provider_id = $1 and kind = 'gpu' and rented = 0 and name in
            (select name from provider_resources
              where provider_id = $1 and kind = 'gpu' and not (name = any ($2::text[])) order by rented desc, name offset $3)`),
    [providerId, offers, typesRemembered],
  );
}
