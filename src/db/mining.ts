import { plainGpuResource } from '../domain/gpu-resources.js';
import type { MiningSituation } from '../domain/mining.js';
import type { MiningConfig } from '../domain/registration.js';
import { storableJson } from './json.js';
import type { Queryable } from './pool.js';
import type { ProviderStatus } from '../wire/statuses.js';

/** The facts that decide a provider's miners, and the last plan and counts. */
interface MiningRecord extends MiningSituation {
  providerId: string;
  /** How many miners Kubernetes was last asked for. */
  asked: number;
  /** How many miners were seen, in any state. */
  seen: number;
  /** When the plan or the counts last changed. */
  changedAt?: Date;
}

interface MiningRecordRow {
  provider_id: string;
  status: ProviderStatus;
  cordoned: boolean;
  mining_enabled: boolean;
  wallet_addr: string;
  mining_config: MiningConfig | null;
  gpus: number;
  gpu_resource: string | null;
  asked: number;
  seen: number;
  changed_at: Date | null;
}

const records = `
  select p.provider_id, p.status, p.cordoned, p.mining_enabled, p.wallet_addr, p.mining_config,
         coalesce(m.miners, 0) as asked, coalesce(m.running + m.waiting + m.failing, 0) as seen, m.updated_at as changed_at,
         coalesce(g.gpus, 0) as gpus, nullif(g.resource, '${plainGpuResource}') as gpu_resource
    from providers p left join provider_mining m using (provider_id)
    -- All miners of a provider ask for one resource: that of which it has the most. Parts of cards do not mine.
    left join lateral (
      select coalesce(resource_name, '${plainGpuResource}') as resource, sum(target)::int as gpus
        from provider_resources r
       where r.provider_id = p.provider_id and r.kind = 'gpu' and coalesce(resource_name, '') not like '%/mig-%'
       group by 1 order by 2 desc, 1 limit 1
    ) g on true`;

const recordOf = (row: MiningRecordRow): MiningRecord => ({
  providerId: row.provider_id,
  status: row.status,
  cordoned: row.cordoned,
  enabled: row.mining_enabled,
  wallet: row.wallet_addr,
  config: row.mining_config,
  gpus: row.gpus,
  ...(row.gpu_resource === null ? {} : { gpuResource: row.gpu_resource }),
  asked: row.asked,
  seen: row.seen,
  ...(row.changed_at === null ? {} : { changedAt: row.changed_at }),
});

export async function miningRecord(db: Queryable, providerId: string): Promise<MiningRecord | undefined> {
  const { rows } = await db.query<MiningRecordRow>(`${records} where p.provider_id = $1`, [providerId]);
  return rows[0] && recordOf(rows[0]);
}

/** The records of all providers that mine or might. */
export async function miningRecords(db: Queryable): Promise<MiningRecord[]> {
  const { rows } = await db.query<MiningRecordRow>(
    `${records} where m.miners > 0 or (p.mining_enabled and p.mining_config is not null and p.status = 'available')`,
  );
  return rows.map(recordOf);
}

/** Records how many miners Kubernetes is asked for, and the reason if none. */
export async function recordMiningPlan(
  db: Queryable,
  providerId: string,
  miners: number,
  reason: string,
): Promise<void> {
  await db.query(
    `insert into provider_mining as m (provider_id, miners, reason)
     select provider_id, $2, $3 from providers where provider_id = $1
     on conflict (provider_id) do update set miners = excluded.miners, reason = excluded.reason, updated_at = now()
       where (m.miners, m.reason) is distinct from (excluded.miners, excluded.reason)`,
    [providerId, miners, reason],
  );
}

/** Sets what the owner wants; `config` replaces the stored configuration. */
export async function setMiningWanted(
  db: Queryable,
  providerId: string,
  enabled: boolean,
  config?: MiningConfig,
): Promise<void> {
  await db.query(
    `update providers set mining_enabled = $2, mining_config = coalesce($3, mining_config), updated_at = now()
      where provider_id = $1`,
    [providerId, enabled, config === undefined ? null : storableJson(config)],
  );
}

/** A provider's miners in the cluster. */
export interface MinerCounts {
  providerId: string;
  /** Miners whose container runs. */
  running: number;
  /** Miners that wait for a free GPU or for their start. */
  waiting: number;
  /** Miners whose image cannot be pulled or that keep crashing. */
  failing: number;
}

/**
 * Records the counts of many providers at once. Providers without a row are skipped: they never asked to mine, or
 * belong to another broker on the same cluster.
 */
export async function recordMinerCounts(db: Queryable, counts: readonly MinerCounts[]): Promise<void> {
  await db.query(
    `with seen as materialized (
       select provider_id, running, waiting, failing
         from unnest($1::text[], $2::int[], $3::int[], $4::int[]) as t (provider_id, running, waiting, failing)
     ), locked as materialized (
       select m.provider_id
         from provider_mining m join seen s using (provider_id)
        where (m.running, m.waiting, m.failing) is distinct from (s.running, s.waiting, s.failing)
        order by m.provider_id
          for no key update of m
     )
     update provider_mining m set running = s.running, waiting = s.waiting, failing = s.failing, updated_at = now()
       from locked join seen s using (provider_id)
      where m.provider_id = locked.provider_id`,
    [
      counts.map(({ providerId }) => providerId),
      counts.map(({ running }) => running),
      counts.map(({ waiting }) => waiting),
      counts.map(({ failing }) => failing),
    ],
  );
}

/** Providers with miners at the last count. */
export async function providersWithMiners(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ provider_id: string }>(
    'select provider_id from provider_mining where running + waiting + failing > 0',
  );
  return rows.map(({ provider_id }) => provider_id);
}

/** A provider's mining figures for the API. */
export interface MiningFigures {
  providerId: string;
  /** Lower case. */
  wallet: string;
  enabled: boolean;
  config: MiningConfig | null;
  /** How many miners Kubernetes is asked for; `reason` explains 0. */
  miners: number;
  reason: string;
  /**
   * GPUs that mine. A GPU assigned to a job counts as the job's from that moment on, even while its miner is still
   * being stopped: with what is rented this is never more than there is.
   */
  running: number;
  waiting: number;
  failing: number;
  totalGpus: number;
  rentedGpus: number;
}

const figures = `
  select p.provider_id, p.wallet_addr, p.mining_enabled, p.mining_config, coalesce(m.miners, 0) as miners,
         coalesce(m.reason, '') as reason, least(coalesce(m.running, 0), r.total - r.rented) as running,
         coalesce(m.waiting, 0) as waiting, coalesce(m.failing, 0) as failing, r.total, r.rented
    from providers p
    left join provider_mining m using (provider_id)
    cross join lateral (
      select coalesce(sum(total), 0)::int as total, coalesce(sum(rented), 0)::int as rented
        from provider_resources where provider_id = p.provider_id and kind = 'gpu'
    ) r`;

export async function miningFigures(db: Queryable, providerId: string): Promise<MiningFigures | undefined> {
  const { rows } = await db.query<{
    provider_id: string;
    wallet_addr: string;
    mining_enabled: boolean;
    mining_config: MiningConfig | null;
    miners: number;
    reason: string;
    running: number;
    waiting: number;
    failing: number;
    total: number;
    rented: number;
  }>(`${figures} where p.provider_id = $1`, [providerId]);
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    providerId: row.provider_id,
    wallet: row.wallet_addr,
    enabled: row.mining_enabled,
    config: row.mining_config,
    miners: row.miners,
    reason: row.reason,
    running: row.running,
    waiting: row.waiting,
    failing: row.failing,
    totalGpus: row.total,
    rentedGpus: row.rented,
  };
}

/** Mining figures of all providers together. */
export interface MiningTotals {
  providers: number;
  /** Providers with miners, running or not. */
  miningProviders: number;
  runningMiners: number;
  waitingMiners: number;
  failingMiners: number;
  /** GPUs that are not rented, mining or not. */
  availableGpus: number;
}

export async function miningTotals(db: Queryable): Promise<MiningTotals> {
  const { rows } = await db.query<
    Record<'providers' | 'mining' | 'running' | 'waiting' | 'failing' | 'available', number>
  >(
    `select count(*)::int as providers, (count(*) filter (where miners > 0))::int as mining,
            coalesce(sum(running), 0)::int as running, coalesce(sum(waiting), 0)::int as waiting,
            coalesce(sum(failing), 0)::int as failing, coalesce(sum(total - rented), 0)::int as available
       from (${figures}) f`,
  );
  const { providers, mining, running, waiting, failing, available } = rows[0]!;
  return {
    providers,
    miningProviders: mining,
    runningMiners: running,
    waitingMiners: waiting,
    failingMiners: failing,
    availableGpus: available,
  };
}
