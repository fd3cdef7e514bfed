import type { Pool } from 'pg';
import type { JobOrder, Placement } from '../domain/job.js';
import { pricePerHour } from '../domain/pricing.js';
import { withTransaction, type Queryable, type Transaction } from './pool.js';

interface CandidateRow {
  provider_id: string;
  node_name: string;
  gpu_type: string | null;
  gpu_model: string | null;
  gpu_price: number;
  cpu_price: number;
  memory_price: number;
}

/** Which providers an order fits, whatever they cost. */
const fitting = `
  select p.provider_id, p.node_name, g.name as gpu_type, g.model as gpu_model,
         coalesce(g.price_per_hour, 0) as gpu_price, p.cpu_price_per_hour as cpu_price,
         p.memory_price_per_gb_hour as memory_price, coalesce(g.total - g.rented, 0) as free_gpus
    from providers p
    left join provider_resources g on g.provider_id = p.provider_id and g.kind = 'gpu' and $2 > 0
   where p.status = 'available' and not p.cordoned and p.node_name is not null
     and ($1::text is null or g.name = $1)
     and ($2 = 0 or g.total - g.rented >= $2)
     and ($6::text is null or p.provider_id = $6)
     and not exists (
       select from (values ('cpu', $3::bigint), ('memory', $4::bigint), ('storage', $5::bigint)) as need (kind, amount)
        where not exists (
          select from provider_resources r
           where r.provider_id = p.provider_id and r.kind = need.kind and r.name = ''
             and r.total - r.rented >= need.amount))`;

/**
 * The cheapest places for an order, at most `limit`. Of two at the same price the fuller one comes first, so that large
 * orders find whole machines. What is free may be gone when it is asked for: `allocate` decides.
 */
export async function placementCandidates(db: Queryable, order: JobOrder, limit: number): Promise<Placement[]> {
  const { rows } = await db.query<CandidateRow>(
    `select provider_id, node_name, gpu_type, gpu_model, gpu_price::float8, cpu_price::float8, memory_price::float8
       from (${fitting}) c,
            lateral (select $2 * gpu_price + $3 * cpu_price + $4 / 1024.0 * memory_price as price) cost
      where $7::numeric is null or price <= $7::numeric
      order by price, free_gpus, provider_id
      limit $8`,
    [
      order.gpuType ?? null,
      order.gpuCount,
      order.cpuCores,
      order.memoryMb,
      order.storageGb,
      order.providerId ?? null,
      order.maxPricePerHour ?? null,
      limit,
    ],
  );
  return rows.map((row) => ({
    providerId: row.provider_id,
    nodeName: row.node_name,
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type, gpuModel: row.gpu_model ?? row.gpu_type }),
    pricePerHour: pricePerHour(order, {
      gpuPricePerHour: row.gpu_price,
      cpuPricePerHour: row.cpu_price,
      memoryPricePerGbHour: row.memory_price,
    }),
  }));
}

/**
 * Whether an order got what it asked for: `held` when it had got it before, perhaps elsewhere (`findAllocation` says
 * where), `taken` when others were faster, `released` when the job was ended before.
 */
export type AllocationOutcome = 'allocated' | 'held' | 'taken' | 'released';

/**
 * Takes what an order needs from one provider, all of it or nothing, in one short transaction. First the provider's
 * resources are locked, in the order of their key, so that orders at the same time wait for each other instead of for
 * ever. Only then, in a statement of its own, is looked at what is free: a statement sees the rows as they were when it
 * began, and one that locks and looks at once was seen to go by figures from before it had waited. The provider's own
 * row is held too: once its status says that it is not available, nobody gets past. Repeated for the same job it takes
 * nothing more.
 */
export async function allocate(pool: Pool, order: JobOrder, place: Placement): Promise<AllocationOutcome> {
  return await withTransaction(pool, async (tx) => {
    const { rowCount: available } = await tx.query(
      `select from providers where provider_id = $1 and status = 'available' and not cordoned for share`,
      [place.providerId],
    );
    if (available === 0) return 'taken';
    await tx.query('select from provider_resources where provider_id = $1 order by kind, name for update', [
      place.providerId,
    ]);
    return await takeLocked(tx, order, place);
  });
}

/** The second half of `allocate`: nobody else changes the provider's resources now. */
async function takeLocked(tx: Transaction, order: JobOrder, place: Placement): Promise<AllocationOutcome> {
  const { rows } = await tx.query<{ claimed: boolean; known: boolean | null }>(
    `with need as materialized (
       select kind, name, amount
         from (values ('cpu', '', $4::bigint), ('gpu', coalesce($7, ''), $3::bigint),
                      ('memory', '', $5::bigint), ('storage', '', $6::bigint)) as n (kind, name, amount)
        where kind <> 'gpu' or amount > 0
     ), claim as (
       insert into allocations (job_id, provider_id, wallet, gpu_type, gpu_model, gpu_count, cpu_cores, memory_mb,
                                storage_gb, price_per_hour, node_name, node_uid)
       select $1, $2::text, $8, case when $3::bigint > 0 then $7 end, case when $3::bigint > 0 then $9 end, $3, $4, $5, $6, $10, $11,
              (select node_uid from providers where provider_id = $2::text)
        where not exists (
          select from need
           where not exists (
             select from provider_resources r
              where r.provider_id = $2::text and r.kind = need.kind and r.name = need.name
                and r.total - r.rented >= need.amount))
       on conflict (job_id) do nothing
       returning job_id
     ), taken as (
       update provider_resources r
          set rented = r.rented + need.amount
         from need, claim
        where r.provider_id = $2::text and r.kind = need.kind and r.name = need.name
     )
     select exists (select from claim) as claimed,
            (select released_at is null from allocations where job_id = $1) as known`,
    [
      order.jobId,
      place.providerId,
      order.gpuCount,
      order.cpuCores,
      order.memoryMb,
      order.storageGb,
      place.gpuType ?? null,
      order.wallet,
      place.gpuModel ?? null,
      place.pricePerHour,
      place.nodeName,
    ],
  );
  const { claimed, known } = rows[0]!;
  if (claimed) return 'allocated';
  // `known` is as of the statement's beginning: a row that came in meanwhile is found by the next attempt.
  if (known === null) return 'taken';
  return known ? 'held' : 'released';
}

/** What a job holds; `undefined` when it holds nothing. */
export async function findAllocation(db: Queryable, jobId: string): Promise<Placement | undefined> {
  const { rows } = await db.query<{
    provider_id: string;
    node_name: string;
    gpu_type: string | null;
    gpu_model: string | null;
    price_per_hour: number;
  }>(
    `select provider_id, node_name, gpu_type, gpu_model, price_per_hour::float8
       from allocations where job_id = $1 and released_at is null`,
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    providerId: row.provider_id,
    nodeName: row.node_name,
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type, gpuModel: row.gpu_model ?? row.gpu_type }),
    pricePerHour: row.price_per_hour,
  };
}

/**
 * Gives back what a job holds, once however often it is called. A job that holds nothing yet gets a tombstone, so that
 * an allocation which is still on its way is refused.
 */
export async function release(db: Queryable, jobId: string): Promise<void> {
  await db.query(
    `with freed as (
       insert into allocations (job_id, released_at) values ($1, now())
       on conflict (job_id) do update set released_at = now() where allocations.released_at is null
       returning provider_id, gpu_type, gpu_count, cpu_cores, memory_mb, storage_gb
     ), given as materialized (
       select provider_id, kind, name, amount
         from freed,
              lateral (values ('cpu', '', cpu_cores), ('gpu', coalesce(gpu_type, ''), gpu_count),
                              ('memory', '', memory_mb), ('storage', '', storage_gb)) as g (kind, name, amount)
        where amount > 0
     ), locked as materialized (
       select r.provider_id, r.kind, r.name
         from provider_resources r
        where (r.provider_id, r.kind, r.name) in (select provider_id, kind, name from given)
        order by r.kind, r.name
          for update
     )
     update provider_resources r
        set rented = r.rented - given.amount, total = greatest(r.target, r.rented - given.amount)
       from given join locked using (provider_id, kind, name)
      where r.provider_id = given.provider_id and r.kind = given.kind and r.name = given.name`,
    [jobId],
  );
}

/** Jobs that hold something of a provider; with `notOnNode` those only that are on another node than this one. */
export async function jobsHolding(db: Queryable, providerId: string, notOnNode?: string): Promise<string[]> {
  const { rows } = await db.query<{ job_id: string }>(
    `select job_id from allocations
      where provider_id = $1 and released_at is null and ($2::text is null or node_uid is distinct from $2)
      order by job_id`,
    [providerId, notOnNode ?? null],
  );
  return rows.map(({ job_id }) => job_id);
}

/** What could be rented of one GPU type, in the words of the API. */
export interface FreeGpus {
  gpu_type: string;
  /** Over all providers that take jobs now. */
  available_gpus: number;
  /** The most that one provider has: a job runs on one. */
  most_at_one_provider: number;
  /** The cheapest GPU of the type. */
  price_per_hour: number;
}

/** What is free now, type by type; for a customer who was told that there is no capacity. */
export async function freeCapacity(db: Queryable, { gpuType }: { gpuType?: string }): Promise<FreeGpus[]> {
  const { rows } = await db.query<FreeGpus>(
    `select r.name as gpu_type, sum(r.total - r.rented)::int as available_gpus,
            max(r.total - r.rented)::int as most_at_one_provider, min(r.price_per_hour)::float8 as price_per_hour
       from provider_resources r join providers p using (provider_id)
      where r.kind = 'gpu' and r.total > r.rented and p.status = 'available' and not p.cordoned
        and ($1::text is null or r.name = $1)
      group by r.name order by r.name`,
    [gpuType ?? null],
  );
  return rows;
}
