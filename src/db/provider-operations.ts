import type { Pool } from 'pg';
import { withTransaction, type Queryable } from './pool.js';

// Orders of an operator or the owner about a provider. None of these statements affects a retired provider.

/** Stops new jobs; earlier orders about its current jobs stay in force. */
export async function cordon(db: Queryable, providerId: string): Promise<void> {
  await db.query(
    `update providers set cordoned = true, updated_at = now()
      where provider_id = $1 and status <> 'retired' and not cordoned`,
    [providerId],
  );
}

/** Allows jobs again and lets the current ones stay. A provider that is being retired stays cordoned. */
export async function uncordon(db: Queryable, providerId: string): Promise<void> {
  await db.query(
    `update providers set cordoned = false, drain_until = null, updated_at = now()
      where provider_id = $1 and status <> 'retired' and not retiring`,
    [providerId],
  );
}

/**
 * Stops new jobs and ends the current ones at `until` at the latest, or at their own expiry if undefined. With
 * `retire`, the provider leaves the fleet after its last job.
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
 * Takes a provider out of the fleet: it has no node, sells nothing and cannot join until it registers again. A
 * redelivery of its last registration does not count as registering again.
 *
 * @returns how many jobs it still has; it is retired only if there are none.
 */
export async function retire(pool: Pool, providerId: string): Promise<number> {
  return await withTransaction(pool, async (tx) => {
    // `allocate` locks this row too, so after this lock every allocation has been counted.
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
    // A wrong counter does not keep it from leaving; the reconciler corrects it.
    await tx.query('update provider_resources set target = 0, total = rented where provider_id = $1', [providerId]);
    return 0;
  });
}
