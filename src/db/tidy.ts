import type { Pool } from 'pg';
import { lockUsage } from './jobs.js';
import { withTransaction, type Queryable } from './pool.js';
import { removeOld } from './pruning.js';
import { forgetTenantNamespace, type Tenant } from './tenants.js';

/**
 * The namespaces that have had no job for `ttlS` seconds. A job without a recorded namespace counts for all namespaces
 * of its wallet, because it may go to any of them.
 */
export async function idleTenants(db: Queryable, tenants: readonly Tenant[], ttlS: number): Promise<Set<string>> {
  const { rows } = await db.query<{ namespace: string }>(
    `select namespace from unnest($1::text[], $2::text[]) as t (wallet, namespace)
      where not exists (select from jobs j where j.wallet = t.wallet and j.ended_at is null
                                             and coalesce(j.namespace, t.namespace) = t.namespace)
        and not exists (select from jobs j where j.wallet = t.wallet and j.ended_at > now() - make_interval(secs => $3)
                                             and coalesce(j.namespace, t.namespace) = t.namespace)`,
    [tenants.map(({ wallet }) => wallet), tenants.map(({ namespace }) => namespace), ttlS],
  );
  return new Set(rows.map(({ namespace }) => namespace));
}

/**
 * Runs `work` on a namespace without jobs while its wallet is locked against new orders: a job either exists before the
 * check or is ordered after `work` has finished.
 *
 * @param work returns whether the namespace is gone; then its row is deleted.
 * @returns false when it has a job, or had one within `ttlS`; then nothing was done.
 */
export async function whileIdle(
  pool: Pool,
  tenant: Tenant,
  ttlS: number,
  work: () => Promise<boolean>,
): Promise<boolean> {
  return await withTransaction(pool, async (tx) => {
    await lockUsage(tx, tenant.wallet);
    if (!(await idleTenants(tx, [tenant], ttlS)).has(tenant.namespace)) return false;
    if (await work()) await forgetTenantNamespace(tx, tenant.namespace);
    return true;
  });
}

/** Selects obsolete join tokens as `t`; an `and` may follow. */
const useless = `join_tokens t join providers p using (provider_id)
   where t.deleted_at is null and (t.expires_at < now() or (p.node_ready and p.joined_at > t.created_at))`;

/** Join tokens of the cluster that have expired, or whose node has joined since. */
export async function uselessTokens(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ token_id: string }>(
    `select t.token_id from ${useless} order by t.expires_at limit $1`,
    [limit],
  );
  return rows.map(({ token_id }) => token_id);
}

/**
 * Removes such a token with `remove` and records it. The row stays locked meanwhile, so a renewal of the token waits
 * and then creates it again.
 *
 * @returns false when the token is no longer obsolete, or its row is locked elsewhere.
 */
export async function retireToken(pool: Pool, tokenId: string, remove: () => Promise<void>): Promise<boolean> {
  return await withTransaction(pool, async (tx) => {
    const { rowCount } = await tx.query(`select from ${useless} and t.token_id = $1 for update of t skip locked`, [
      tokenId,
    ]);
    if (rowCount === 0) return false;
    await remove();
    await tx.query('update join_tokens set deleted_at = now() where token_id = $1', [tokenId]);
    return true;
  });
}

/**
 * Deletes jobs that ended before `before` and were never ready: nothing was paid for them, so no account needs them.
 * @returns how many.
 */
export async function forgetUnreadyJobs(db: Queryable, before: Date): Promise<number> {
  const { rows } = await db.query<{ jobs: number }>(
    `with gone as (
       delete from jobs where job_id in
         (select job_id from jobs j
           where ended_at < $1 and ended_at is not null and started_at is null
             and not exists (select from auth_charges c
                              where c.job_id = j.job_id
                                and (c.settled_at is null or c.spent > 0 or c.booked > 0))
             and not exists (select from allocations a where a.job_id = j.job_id and a.released_at is null)
           order by ended_at limit 1000)
       returning job_id
     ), held as (delete from allocations where job_id in (select job_id from gone)),
     charged as (delete from auth_charges where job_id in (select job_id from gone)),
     gaps as (delete from job_gaps where job_id in (select job_id from gone)),
     events as (delete from job_events where job_id in (select job_id from gone)),
     logs as (delete from job_logs where job_id in (select job_id from gone))
     select count(*)::int as jobs from gone`,
    [before],
  );
  return rows[0]?.jobs ?? 0;
}

/** Deletes join tokens removed from the cluster before `before`, some thousands at a time. @returns how many. */
export async function forgetJoinTokens(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from join_tokens
      where token_id in (select token_id from join_tokens where deleted_at < $1 order by deleted_at limit $2)`,
    before,
  );
}
