import type { Pool } from 'pg';
import { withTransaction, type Queryable } from './pool.js';

// What an operator or the owner orders about a provider. None of these statements touches one that is retired.

/** No new jobs; what was ordered before about those it has stays as it is. */
export async function cordon(db: Queryable, providerId: string): Promise<void> {
  await db.query(
    `update providers set cordoned = true, updated_at = now()
      where provider_id = $1 and status <> 'retired' and not cordoned`,
    [providerId],
  );
}

/** Takes jobs again, and those it has may stay. One that is being retired stays cordoned. */
export async function uncordon(db: Queryable, providerId: string): Promise<void> {
  await db.query(
    `update providers set cordoned = false, drain_until = null, updated_at = now()
      where provider_id = $1 and status <> 'retired' and not retiring`,
    [providerId],
  );
}

/**
 * No new jobs, and those it has end at `until` at the latest; undefined: at their own expiry. With `retire` it leaves the
 * fleet after the last of them.
 */
export async function drain(
  db: Queryable,
  providerId: string,
  { until, retire }: { until: Date | undefined; retire: boolean },
): Promise<void> {
  await db.query(
    `update providers set cordoned = true, drain_until = $2, retiring = retiring or $3, updated_at = now()
      where provider_id = $1 and status <> 'retired'`,
    [providerId, until ?? null, retire],
  );
}

/**
 * Takes a provider out of the fleet: it has no node, nothing to sell and no way in until it registers again. The very
 * registration by which it was in does not count as that, should it be delivered once more.
 *
 * @returns how many jobs it still has; only with none of them it is retired.
 */
export async function retire(pool: Pool, providerId: string): Promise<number> {
  return await withTransaction(pool, async (tx) => {
    // Whoever allocates holds the row: after this nobody does who has not been counted.
    await tx.query('select from providers where provider_id = $1 for no key update', [providerId]);
    const { rows } = await tx.query<{ jobs: number }>(
      'select count(*)::int as jobs from allocations where provider_id = $1 and released_at is null',
      [providerId],
    );
    const jobs = rows[0]?.jobs ?? 0;
    if (jobs > 0) return jobs;
    await tx.query(
      `update providers set status = 'retired', status_reason = '', cordoned = true, retiring = false, drain_until = null,
                            node_uid = null, node_ready = false, allocatable = null, gpus_reason = '', joined_at = null,
                            registration_at = registration_at + interval '1 millisecond', updated_at = now()
        where provider_id = $1 and status <> 'retired'`,
      [providerId],
    );
    // With a counter that is wrong it leaves too; the reconciler sets it right.
    await tx.query('update provider_resources set target = 0, total = rented where provider_id = $1', [providerId]);
    return 0;
  });
}
