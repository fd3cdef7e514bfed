import { wholeNumber } from '../domain/outside.js';
import type { MachinePriceList, OwnerPrices } from '../domain/owner-prices.js';
import type { Queryable } from './pool.js';
import { reliabilitySql } from './provider-days.js';

/** What only the owner of a provider is shown of it. */
export interface OwnerFacts {
  /** Until when the machine's key may speak for it. */
  delegationExpiresAt?: Date;
  agentVersion?: string;
  runningJobs: number;
  /** By the last heartbeat, in percent. */
  usage?: { gpu: number[]; cpu: number; memory: number; at: Date };
  reliability: { online?: number; lostJobs: number };
  prices?: { owner: OwnerPrices; agent: MachinePriceList; setAt: Date };
}

interface Row {
  provider_id: string;
  delegation_expires_at: Date | null;
  agent_version: string | null;
  running_jobs: number;
  telemetry: { gpu_usage?: unknown; cpu_usage?: unknown; memory_usage?: unknown } | null;
  last_heartbeat: Date | null;
  online: number | null;
  lost_jobs: number;
  owner_prices: OwnerPrices | null;
  agent_prices: MachinePriceList | null;
  prices_set_at: Date | null;
}

/** What the owners of these providers are shown of them, by id. */
export async function ownerFacts(db: Queryable, providerIds: readonly string[]): Promise<Map<string, OwnerFacts>> {
  const { rows } = await db.query<Row>(
    `select p.provider_id, i.expires_at as delegation_expires_at, p.agent_version, jobs.running_jobs,
            h.telemetry, h.last_heartbeat, r.online, r.lost_jobs,
            o.owner as owner_prices, o.agent as agent_prices, o.set_at as prices_set_at
       from providers p
       left join provider_identities i using (provider_id)
       left join provider_heartbeats h using (provider_id)
       left join provider_prices o using (provider_id),
            lateral (select count(*)::int as running_jobs from jobs j
                      where j.provider_id = p.provider_id and j.ended_at is null) jobs,
            lateral (${reliabilitySql('p.provider_id')}) r
      where p.provider_id = any ($1)`,
    [providerIds],
  );
  return new Map(rows.map((row) => [row.provider_id, factsOf(row)]));
}

function factsOf(row: Row): OwnerFacts {
  const { owner_prices: owner, agent_prices: agent, prices_set_at: setAt } = row;
  return {
    ...(row.delegation_expires_at === null ? {} : { delegationExpiresAt: row.delegation_expires_at }),
    ...(row.agent_version === null ? {} : { agentVersion: row.agent_version }),
    runningJobs: row.running_jobs,
    ...usageOf(row),
    reliability: { ...(row.online === null ? {} : { online: row.online }), lostJobs: row.lost_jobs },
    ...(owner === null || agent === null || setAt === null ? {} : { prices: { owner, agent, setAt } }),
  };
}

/** A stranger's figures; old rows may lack any of them. */
function usageOf({ telemetry, last_heartbeat: at }: Row): Pick<OwnerFacts, 'usage'> {
  if (telemetry === null || at === null) return {};
  const { gpu_usage: gpus, cpu_usage: cpu, memory_usage: memory } = telemetry;
  const gpu = Array.isArray(gpus) ? gpus.map(percent) : [];
  return { usage: { gpu, cpu: percent(cpu), memory: percent(memory), at } };
}

function percent(value: unknown): number {
  return wholeNumber(value, { min: 0, max: 100 }) ?? 0;
}
