import type { Pool } from 'pg';
import { holdingsSql } from './allocations.js';
import { withTransaction, type Queryable } from './pool.js';
import { lockResources } from './provider-resources.js';

/**
 * Jobs that hold an allocation although they have ended or were never ordered. One transaction closes a job's row and
 * releases its allocation, so this is never a valid state.
 */
export async function leakedAllocations(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ job_id: string }>(
    `select a.job_id from allocations a left join jobs j using (job_id)
      where a.released_at is null and (j.job_id is null or j.ended_at is not null)`,
  );
  return rows.map(({ job_id }) => job_id);
}

/** The rented counter of a provider's resource, and what its jobs really hold. */
interface RentedDifference {
  providerId: string;
  kind: string;
  name: string;
  rented: number;
  held: number;
}

/** What is held of every resource, for a `with`. */
const held = `
  held as (
    select provider_id, kind, name, sum(amount) as amount
      from allocations, ${holdingsSql}
     where released_at is null and amount > 0 and ($1::text is null or provider_id = $1)
     group by provider_id, kind, name)`;

const differing = `
  select r.provider_id, r.kind, r.name, r.rented, coalesce(held.amount, 0)::bigint as held
    from provider_resources r left join held using (provider_id, kind, name)
   where r.rented <> coalesce(held.amount, 0) and ($1::text is null or r.provider_id = $1)`;

/**
 * Providers whose counters differ from what their jobs hold. One transaction writes an allocation and its counters, and
 * one statement sees a single snapshot, so concurrent allocations never make them differ.
 */
export async function differingProviders(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ provider_id: string }>(
    `with ${held} select distinct provider_id from (${differing}) d order by provider_id`,
    [null],
  );
  return rows.map(({ provider_id }) => provider_id);
}

/** Sets a provider's counters to what its jobs hold, with its resources locked. @returns the differences. */
export async function correctRented(pool: Pool, providerId: string): Promise<RentedDifference[]> {
  return await withTransaction(pool, async (tx) => {
    // Locked in a statement before: what is seen after it is settled.
    await lockResources(tx, [providerId]);
    const { rows } = await tx.query<{ kind: string; name: string; rented: number; held: number }>(
      `with ${held}, d as (${differing}), corrected as (
         update provider_resources r set rented = d.held, total = greatest(r.target, d.held)
           from d
          where r.provider_id = d.provider_id and r.kind = d.kind and r.name = d.name)
       select kind, name, rented, held from d`,
      [providerId],
    );
    return rows.map((row) => ({ providerId, ...row }));
  });
}
