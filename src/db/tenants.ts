import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

const openName = /^tenant-(0x[0-9a-f]{40})$/;

/** The owner of a namespace created by a version up to 0.1.0, which put the wallet into the name. */
export function walletInName(namespace: string): string | undefined {
  return openName.exec(namespace)?.[1];
}

/** The namespace of a job's objects; `jobs` is the table's alias. */
export const jobNamespaceSql = (jobs: string): string => `coalesce(${jobs}.namespace, 'tenant-' || ${jobs}.wallet)`;

/**
 * The namespace of a job's objects, whether it was ever recorded, and whether the job has been at another provider
 * before.
 *
 * @returns undefined for a job that the database does not know.
 */
export async function findJobNamespace(
  db: Queryable,
  jobId: string,
): Promise<{ namespace: string; isClaimed: boolean; hasMoved: boolean } | undefined> {
  const { rows } = await db.query<{ namespace: string; is_claimed: boolean; has_moved: boolean }>(
    prepared(`select ${jobNamespaceSql('j')} as namespace, j.namespace is not null as is_claimed,
            exists (select from allocations a where a.job_id = j.job_id and a.attempt > 1) as has_moved
       from jobs j where j.job_id = $1`),
    [jobId],
  );
  const row = rows[0];
  return row && { namespace: row.namespace, isClaimed: row.is_claimed, hasMoved: row.has_moved };
}

/**
 * Records the namespace of a job's objects before any is created. An earlier record stays.
 *
 * @returns the recorded namespace; undefined for an unknown job.
 */
export async function claimNamespace(db: Queryable, jobId: string, namespace: string): Promise<string | undefined> {
  const { rows } = await db.query<{ namespace: string }>(
    prepared(`with claimed as (
       update jobs set namespace = coalesce(namespace, $2) where job_id = $1 returning wallet, namespace
     ), noted as (
       insert into tenants (namespace, wallet) select namespace, wallet from claimed on conflict do nothing
     )
     select namespace from claimed`),
    [jobId, namespace],
  );
  return rows[0]?.namespace;
}

/** A customer's namespace. */
export interface Tenant {
  namespace: string;
  wallet: string;
}

/** The owners of these namespaces; unknown namespaces are left out. */
export async function tenantsAmong(db: Queryable, namespaces: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<Tenant>('select namespace, wallet from tenants where namespace = any ($1::text[])', [
    namespaces,
  ]);
  return new Map(rows.map(({ namespace, wallet }) => [namespace, wallet]));
}

/** A wallet's existing namespaces, and those in which it has jobs. */
export async function namespacesOf(db: Queryable, wallet: string): Promise<string[]> {
  const { rows } = await db.query<{ namespace: string }>(
    `select namespace from tenants where wallet = $1
      union
     select ${jobNamespaceSql('j')} from jobs j where j.wallet = $1 and j.ended_at is null and j.status <> 'pending'
      order by 1`,
    [wallet],
  );
  return rows.map(({ namespace }) => namespace);
}

export async function forgetTenantNamespace(db: Queryable, namespace: string): Promise<void> {
  await db.query('delete from tenants where namespace = $1', [namespace]);
}
