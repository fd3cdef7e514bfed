import type { SitePrices } from '../config.js';
import { plainGpuResource } from '../domain/gpu-resources.js';
import { resourceTargets, type HeldGpus, type SalePlan } from '../domain/placement.js';
import type { NodeAllocatable, ProviderOffer } from '../domain/provider.js';
import { gpuPriceSql, siteParameter } from './offers.js';
import type { Queryable, Transaction } from './pool.js';
import { prepared } from './prepared.js';

/** The columns of a provider's row that decide what it may sell. */
interface Saleable {
  providerId: string;
  offer: ProviderOffer;
  allocatable: NodeAllocatable | null;
  /** GPUs of the machine, as it was registered. */
  machineGpus: number;
}

/** Of `providers` as `p`: GPUs that the registration names or counts. */
export const machineGpusSql = `
  greatest(case jsonb_typeof(p.spec -> 'gpus') when 'array' then jsonb_array_length(p.spec -> 'gpus') else 0 end,
           case jsonb_typeof(p.spec -> 'totalGpus') when 'number' then (p.spec ->> 'totalGpus')::numeric else 0 end)::int`;

/** Recomputes and stores what providers may sell. */
export async function writeResources(tx: Transaction, providerIds: readonly string[], site: SitePrices): Promise<void> {
  const { rows } = await tx.query<{
    provider_id: string;
    offer: ProviderOffer;
    allocatable: NodeAllocatable | null;
    machine_gpus: number;
  }>(
    prepared(`select provider_id, offer, allocatable, ${machineGpusSql} as machine_gpus from providers p
      where provider_id = any ($1::text[]) order by provider_id for no key update`),
    [providerIds],
  );
  const machines = rows.map(({ provider_id: providerId, offer, allocatable, machine_gpus: machineGpus }) => ({
    providerId,
    offer,
    allocatable,
    machineGpus,
  }));
  await storeTargets(tx, await planSales(tx, machines, site));
}

/** What a provider may sell, and the GPUs that jobs hold of it. */
interface PlannedSale {
  providerId: string;
  plan: SalePlan;
  held: HeldGpus[];
}

/**
 * Computes what providers may sell. The caller must have locked their rows, so that the latest figures are computed
 * last; this function locks their resources.
 *
 * @returns the plans in the order of the machines.
 */
export async function planSales(
  tx: Transaction,
  machines: readonly Saleable[],
  site: SitePrices,
): Promise<PlannedSale[]> {
  const providerIds = machines.map(({ providerId }) => providerId);
  await lockResources(tx, providerIds);
  const heldBy = await heldGpus(tx, providerIds);
  const pricesBy = await pricesOf(tx, machines, site);
  return machines.map(({ providerId, offer, allocatable, machineGpus }) => {
    const held = heldBy.get(providerId) ?? [];
    const prices = pricesBy.get(providerId) ?? new Map<string, number>();
    return { providerId, held, plan: resourceTargets(offer, allocatable ?? undefined, { held, machineGpus, prices }) };
  });
}

/** Locks providers' resources in the one order in which everybody does, so that nobody waits in a circle. */
export async function lockResources(tx: Transaction, providerIds: readonly string[]): Promise<void> {
  await tx.query(
    prepared(`select from provider_resources where provider_id = any ($1::text[])
      order by provider_id, kind, name for update`),
    [providerIds],
  );
}

/** GPUs that jobs hold, by type and resource, of each provider of which any are held. */
export async function heldGpus(db: Queryable, providerIds: readonly string[]): Promise<Map<string, HeldGpus[]>> {
  const { rows } = await db.query<HeldGpus & { provider_id: string }>(
    prepared(`select provider_id, gpu_type as type, coalesce(gpu_resource, $2) as resource, sum(gpu_count)::int as amount
       from allocations where provider_id = any ($1::text[]) and released_at is null and gpu_count > 0
      group by 1, 2, 3 order by 1, 2, 3`),
    [providerIds, plainGpuResource],
  );
  const held = new Map<string, HeldGpus[]>();
  for (const { provider_id: providerId, ...gpus } of rows)
    held.set(providerId, [...(held.get(providerId) ?? []), gpus]);
  return held;
}

/** What the GPUs of machines with several types cost, by provider and type: a single offer needs no comparison. */
async function pricesOf(
  tx: Transaction,
  machines: readonly Saleable[],
  site: SitePrices,
): Promise<Map<string, Map<string, number>>> {
  const mixed = machines.filter(({ offer }) => offer.gpus.length > 1);
  const prices = new Map(mixed.map(({ providerId }) => [providerId, new Map<string, number>()]));
  if (mixed.length === 0) return prices;
  const offers = mixed.flatMap(({ providerId, offer }) => offer.gpus.map((gpu) => ({ providerId, ...gpu })));
  const { rows } = await tx.query<{ provider_id: string; type: string; price: number }>(
    `select provider_id, type, (${gpuPriceSql('own', 'type', '$4')})::float8 as price
       from unnest($1::text[], $2::text[], $3::numeric[]) as t (provider_id, type, own)`,
    [
      offers.map(({ providerId }) => providerId),
      offers.map(({ type }) => type),
      offers.map(({ pricePerHour }) => pricePerHour),
      siteParameter(site),
    ],
  );
  for (const { provider_id: providerId, type, price } of rows) prices.get(providerId)?.set(type, price);
  return prices;
}

/** GPU types that a provider offered once. */
const typesRemembered = 16;

/** Stores the new totals. `total` never drops below what is rented; it sinks to its target as jobs end. */
export async function storeTargets(
  tx: Transaction,
  sales: readonly Pick<PlannedSale, 'providerId' | 'plan'>[],
): Promise<void> {
  const targets = sales.flatMap(({ providerId, plan }) => plan.targets.map((target) => ({ providerId, ...target })));
  await tx.query(
    prepared(`insert into provider_resources as r (provider_id, kind, name, model, target, total, price_per_hour, vram_gb, cuda,
                                          resource_name)
     select provider_id, kind, name, model, amount, amount, price, vram_gb, cuda, resource_name
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::numeric[], $7::int[], $8::int[],
                   $9::text[])
              as t (provider_id, kind, name, model, amount, price, vram_gb, cuda, resource_name)
      order by provider_id, kind, name
     on conflict (provider_id, kind, name) do update
       set model = excluded.model, target = excluded.target, total = greatest(excluded.target, r.rented),
           price_per_hour = excluded.price_per_hour, vram_gb = excluded.vram_gb, cuda = excluded.cuda,
           resource_name = coalesce(excluded.resource_name, r.resource_name)`),
    [
      targets.map(({ providerId }) => providerId),
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
  const gpus = targets.filter(({ kind }) => kind === 'gpu');
  const offered = [
    sales.map(({ providerId }) => providerId),
    gpus.map(({ providerId }) => providerId),
    gpus.map(({ name }) => name),
  ];
  // GPU types no longer offered: keep them while rented, then hide them.
  await tx.query(
    prepared(`update provider_resources r set target = 0, total = rented
      where provider_id = any ($1::text[]) and kind = 'gpu' and ${isNotOfferedSql}`),
    offered,
  );
  // Remember the last few types, so that an order for one is told that none is free, not that the type is unknown.
  await tx.query(
    prepared(`delete from provider_resources
      where provider_id = any ($1::text[]) and kind = 'gpu' and rented = 0 and (provider_id, name) in
            (select provider_id, name
               from (select provider_id, name,
                            row_number() over (partition by provider_id order by rented desc, name) as place
                       from provider_resources r
                      where provider_id = any ($1::text[]) and kind = 'gpu' and ${isNotOfferedSql}) no_longer_offered
              where place > $4)`),
    [...offered, typesRemembered],
  );
}

/** Of a resource `r`: its provider, of those in $2, does not offer its type, of those in $3. */
const isNotOfferedSql = `(r.provider_id, r.name) not in (select * from unnest($2::text[], $3::text[]))`;
