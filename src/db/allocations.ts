import type { Pool } from 'pg';
import { reservationFor } from '../domain/billing.js';
import { BrokerError } from '../domain/errors.js';
import { plainGpuResource } from '../domain/gpu-resources.js';
import type { JobOrder, Placement } from '../domain/job.js';
import type { Printable } from '../domain/outside.js';
import { rateOf } from '../domain/pricing.js';
import { nearLimitNews } from '../domain/spend-limits.js';
import { isUnblockedSql } from './blocks.js';
import { reserveAtPlacement } from './bookings.js';
import { markMoving, markProvisioning } from './job-changes.js';
import { tellAlso } from './job-events.js';
import { priceOfRateSql, rateOfPriceSql } from './offers.js';
import { withTransaction, type Queryable, type Transaction } from './pool.js';
import { prepared } from './prepared.js';
import { lockResources } from './provider-resources.js';

/**
 * The result of an allocation: `held` if the job already has one, perhaps elsewhere (`findAllocation` tells where),
 * `taken` if other orders were faster, `unaffordable` if the paying session's limit does not cover it, `over_cap` if the
 * wallet's monthly cap does not, `over_deposit` if its deposit does not, `leaving` if it has asked for that, `released` if the job has already ended or moved on.
 */
export type AllocationOutcome =
  'allocated' | 'held' | 'taken' | 'unaffordable' | 'over_cap' | 'over_deposit' | 'leaving' | 'released';

/** Rolls back the transaction of an allocation that exceeds the session's limit. */
class Unaffordable extends Error {}

/**
 * Takes everything an order needs from one provider, or nothing, in one short transaction. It first locks the
 * provider's resources in key order, so that concurrent orders wait for each other instead of deadlocking. A separate
 * statement then reads what is free: a statement sees rows as of its start, and a single statement that both locks and
 * reads was observed to use values from before the lock was granted. The provider's row is locked too, so no order gets
 * past a status other than available. Repeated for the same job, it takes nothing more.
 *
 * The same transaction writes the placement to the job's row and changes the reservation to the price there.
 *
 * @param attempt the number of this placement of the job; `vacate` makes room for the next one.
 * @param feeBps the platform's share of the job's charge, which stays with the placement as its rate does.
 */
export async function allocate(
  pool: Pool,
  order: JobOrder,
  place: Placement,
  attempt = 1,
  feeBps = 0,
): Promise<AllocationOutcome> {
  try {
    return await withTransaction(pool, async (tx) => {
      // Lock the job's own row first if there may be one, in the same order as `release`.
      if (attempt > 1) await tx.query('select from allocations where job_id = $1 for update', [order.jobId]);
      const { rowCount: available } = await tx.query(
        prepared(`select from providers p where provider_id = $1 and status = 'available' and not cordoned and ${isUnblockedSql}
            for share of p`),
        [place.providerId],
      );
      if (available === 0) return 'taken';
      await lockResources(tx, [place.providerId]);
      const outcome = await takeLocked(tx, order, place, attempt);
      if (outcome !== 'allocated') return outcome;
      const rate = place.rate === undefined ? rateOf(place.pricePerHour) : BigInt(place.rate);
      const amount = reservationFor(rate, order.durationSeconds);
      const near = await reserveAtPlacement(tx, { jobId: order.jobId, attempt, amount });
      if (near === undefined) throw new Unaffordable();
      await markProvisioning(tx, order.jobId, place, feeBps);
      await tellAlso(tx, order.jobId, near.map(nearLimitNews));
      return outcome;
    });
  } catch (error) {
    if (error instanceof Unaffordable) return 'unaffordable';
    if (!(error instanceof BrokerError)) throw error;
    if (error.code === 'monthly_cap_reached') return 'over_cap';
    if (error.code === 'insufficient_funds') return 'over_deposit';
    if (error.code === 'exit_pending') return 'leaving';
    throw error;
  }
}

/** A later placement reuses only the row that the previous placement vacated for it. */
const onConflict = (attempt: number): string =>
  attempt === 1
    ? 'on conflict (job_id) do nothing'
    : `on conflict (job_id) do update
          set provider_id = excluded.provider_id, wallet = excluded.wallet, gpu_type = excluded.gpu_type,
              gpu_model = excluded.gpu_model, gpu_count = excluded.gpu_count, cpu_cores = excluded.cpu_cores,
              memory_mb = excluded.memory_mb, storage_gb = excluded.storage_gb, price_per_hour = excluded.price_per_hour,
              gpu_resource = excluded.gpu_resource, node_name = excluded.node_name, node_uid = excluded.node_uid,
              pods = excluded.pods, allocated_at = now(), released_at = null, vacated = false
        where allocations.vacated and allocations.attempt = excluded.attempt`;

/** The second half of `allocate`, run while the provider's resources are locked. */
async function takeLocked(
  tx: Transaction,
  order: JobOrder,
  place: Placement,
  attempt: number,
): Promise<AllocationOutcome> {
  const { rows } = await tx.query<{ claimed: boolean; known: 'held' | 'vacated' | 'closed' | null }>(
    prepared(`with need as materialized (
       select kind, name, amount
         from (values ('cpu', '', $4::bigint), ('gpu', coalesce($7, ''), $3::bigint),
                      ('memory', '', $5::bigint), ('pods', '', 1), ('storage', '', $6::bigint)) as n (kind, name, amount)
        where kind <> 'gpu' or amount > 0
     ), claim as (
       insert into allocations (job_id, provider_id, wallet, gpu_type, gpu_model, gpu_count, cpu_cores, memory_mb,
                                storage_gb, price_per_hour, node_name, node_uid, attempt, gpu_resource, pods)
       select $1, $2::text, $8, case when $3::bigint > 0 then $7 end, case when $3::bigint > 0 then $9 end, $3, $4, $5, $6,
              coalesce(${priceOfRateSql('$10')}, $12::numeric), $11,
              (select node_uid from providers where provider_id = $2::text), $13::integer,
              case when $3::bigint > 0 then $14 end, 1
        where not exists (
          select from need
           where not exists (
             select from provider_resources r
              where r.provider_id = $2::text and r.kind = need.kind and r.name = need.name
                and r.total - r.rented >= need.amount
                and (need.kind <> 'gpu' or coalesce(r.resource_name, $15) = coalesce($14, $15))))
       ${onConflict(attempt)}
       returning job_id
     ), taken as (
       update provider_resources r
          set rented = r.rented + need.amount
         from need, claim
        where r.provider_id = $2::text and r.kind = need.kind and r.name = need.name
     )
     select exists (select from claim) as claimed,
            (select case when released_at is null then 'held' when vacated and attempt = $13 then 'vacated' else 'closed' end
               from allocations where job_id = $1) as known`),
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
      place.rate ?? null,
      place.nodeName,
      place.pricePerHour,
      attempt,
      place.gpuResource ?? null,
      plainGpuResource,
    ],
  );
  const { claimed, known } = rows[0]!;
  if (claimed) return 'allocated';
  // `known` is as of the statement's start; the next attempt finds a row inserted since then.
  if (known === null || known === 'vacated') return 'taken';
  return known === 'held' ? 'held' : 'released';
}

/** Whether other jobs run at a provider. */
export async function servesOthers(db: Queryable, providerId: string, jobId: string): Promise<boolean> {
  const { rows } = await db.query<{ serves: boolean }>(
    `select exists (select from allocations a join jobs j using (job_id)
                     where a.provider_id = $1 and a.released_at is null and a.job_id <> $2 and j.status = 'running') as serves`,
    [providerId, jobId],
  );
  return rows[0]!.serves;
}

/** The placement a job holds; `undefined` when it holds none. */
export async function findAllocation(db: Queryable, jobId: string): Promise<Placement | undefined> {
  const { rows } = await db.query<{
    provider_id: string;
    node_name: string;
    gpu_type: string | null;
    gpu_model: string | null;
    gpu_resource: string | null;
    price_per_hour: number;
    rate: string;
  }>(
    prepared(`select provider_id, node_name, gpu_type, gpu_model, gpu_resource, price_per_hour::float8,
            ${rateOfPriceSql('price_per_hour')}::text as rate
       from allocations where job_id = $1 and released_at is null`),
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    providerId: row.provider_id,
    nodeName: row.node_name,
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type, gpuModel: row.gpu_model ?? row.gpu_type }),
    ...(row.gpu_resource === null ? {} : { gpuResource: row.gpu_resource }),
    pricePerHour: row.price_per_hour,
    rate: row.rate,
  };
}

/** A lateral join that lists an allocation's resources as `g`; the `from` must have the allocation's columns. */
export const holdingsSql = `
  lateral (values ('cpu', '', cpu_cores), ('gpu', coalesce(gpu_type, ''), gpu_count), ('memory', '', memory_mb),
                  ('pods', '', pods), ('storage', '', storage_gb)) as g (kind, name, amount)`;

/** Frees the held amount of each resource, in the lock order of `allocate`; the `with` clause must name it `freed`. */
const giveBack = `
  given as materialized (
    select provider_id, kind, name, amount
      from freed, ${holdingsSql}
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
   where r.provider_id = given.provider_id and r.kind = given.kind and r.name = given.name`;

/**
 * Frees a job's allocation, once however often it is called, and prevents any later placement. A job without an
 * allocation gets a tombstone, so that an allocation still in progress fails.
 */
export async function release(db: Queryable, jobId: string): Promise<void> {
  await db.query(
    prepared(`with freed as (
       insert into allocations (job_id, released_at) values ($1, now())
       on conflict (job_id) do update set released_at = now(), vacated = false
        where allocations.released_at is null or allocations.vacated
       returning provider_id, gpu_type, gpu_count, cpu_cores, memory_mb, storage_gb, pods
     ), ${giveBack}`),
    [jobId],
  );
}

/**
 * Frees one placement of a job so that the next one can take capacity elsewhere, once however often it is called and
 * never after a release. The job waits for capacity again, and its row tells why.
 *
 * @returns whether this call did it.
 */
export async function vacate(tx: Transaction, jobId: string, attempt: number, message: Printable): Promise<boolean> {
  const { rowCount } = await tx.query(
    'select from allocations where job_id = $1 and released_at is null and attempt = $2 for update',
    [jobId, attempt],
  );
  if (rowCount === 0) return false;
  await tx.query(
    `with freed as materialized (
       select provider_id, gpu_type, gpu_count, cpu_cores, memory_mb, storage_gb, pods from allocations where job_id = $1
     ), ${giveBack}`,
    [jobId],
  );
  // Record that it holds nothing now, so that nothing is freed twice.
  await tx.query(
    `update allocations
        set released_at = now(), vacated = true, attempt = attempt + 1, failed_at = failed_at || provider_id::text,
            provider_id = null, gpu_type = null, gpu_model = null, gpu_resource = null, gpu_count = 0, cpu_cores = 0,
            memory_mb = 0, storage_gb = 0, pods = 0
      where job_id = $1`,
    [jobId],
  );
  await markMoving(tx, jobId, message);
  return true;
}

/** The providers that did not start a job, and the number of its current or next placement. */
export async function movesOf(db: Queryable, jobId: string): Promise<{ attempt: number; failedAt: string[] }> {
  const { rows } = await db.query<{ attempt: number; failed_at: string[] }>(
    prepared('select attempt, failed_at from allocations where job_id = $1'),
    [jobId],
  );
  return { attempt: rows[0]?.attempt ?? 1, failedAt: rows[0]?.failed_at ?? [] };
}

/** Jobs that hold resources of a provider; with `notOnNode`, only those on a different node. */
export async function jobsHolding(db: Queryable, providerId: string, notOnNode?: string): Promise<string[]> {
  const { rows } = await db.query<{ job_id: string }>(
    `select job_id from allocations
      where provider_id = $1 and released_at is null and ($2::text is null or node_uid is distinct from $2)
      order by job_id`,
    [providerId, notOnNode ?? null],
  );
  return rows.map(({ job_id }) => job_id);
}

/** Jobs of a provider that hold GPUs of these resources. */
export async function jobsHoldingGpus(
  db: Queryable,
  providerId: string,
  resources: readonly string[],
): Promise<string[]> {
  const { rows } = await db.query<{ job_id: string }>(
    `select job_id from allocations
      where provider_id = $1 and released_at is null and gpu_count > 0 and coalesce(gpu_resource, $3) = any ($2::text[])
      order by job_id`,
    [providerId, resources, plainGpuResource],
  );
  return rows.map(({ job_id }) => job_id);
}
