import type { SitePrices } from '../config.js';
import type { JobOrder } from '../domain/job.js';
import type { Keeper, WhatKeeps } from '../domain/why-not.js';
import { conditions, outReasonOf, ratedSql, unmetSql } from './offer-rows.js';
import {
  askedConditions,
  isPricedSql,
  paysSql,
  placementParameters,
  placementRows,
  portsRateOf,
} from './placement-conditions.js';
import type { Queryable } from './pool.js';

/** Asking for another GPU type or provider changes an order more than asking for less of it. */
const weightOfOtherType = 3;
const weightSql = `cardinality(failed) + 2 * cardinality(array(select unnest(failed) intersect select unnest(array['type', 'provider'])))`;

interface KeepingRow {
  failed: Keeper[];
  weight: number;
  out_reason: string | null;
  models: string[] | null;
  gpus: number;
  cpu: number | null;
  memory: number | null;
  storage: number | null;
  vram_gb: number | null;
  cuda: number | null;
  rate: string;
  offered_s: number | null;
}

/**
 * What keeps an order out, nearest first: the machines that fail to take it for one reason alone, with the most that
 * they have of each figure; or, if every machine has several reasons, those with the fewest. It answers a few rows
 * however many providers there are, and may leave out those that are farther than the nearest.
 */
export async function findKeepers(db: Queryable, order: JobOrder, site: SitePrices): Promise<WhatKeeps[]> {
  const values = await placementParameters(db, order, site, 8);
  // GPUs of other types are not nearer than those of the right one that fail for less; the fleet has many of them.
  if (order.gpuType !== undefined && order.gpuCount > 0) {
    const rows = await keepersAmong(db, askedConditions.type, values);
    if (rows[0] !== undefined && rows[0].weight < weightOfOtherType) return rows.map((row) => keeperOf(row, order));
  }
  return (await keepersAmong(db, 'true', values)).map((row) => keeperOf(row, order));
}

async function keepersAmong(db: Queryable, where: string, values: unknown[]): Promise<KeepingRow[]> {
  const { rows } = await db.query<KeepingRow>(
    `select failed, min(weight) as weight, (array_agg(distinct gpu_model))[1:3] as models, max(out_reason) as out_reason,
            max(free_gpus)::int as gpus, max(cpu)::float8 as cpu, max(memory)::float8 as memory,
            max(storage)::float8 as storage, max(vram_gb)::float8 as vram_gb, max(cuda) as cuda,
            trunc(min(rate))::text as rate,
            max(extract(epoch from available_until - now()))::float8 as offered_s
       from (select *, ${weightSql} as weight
               from (select *, unmet || ${unmetSql({ priced: isPricedSql, pays: paysSql })} as failed
                       from (${ratedSql(placementRows, unmetSql(conditions), where, true)}) p offset 0) p) p
      group by failed, case when cardinality(failed) > 1 then p.provider_id end,
               case when cardinality(failed) > 1 then gpu_type end
      order by weight, min(rate), min(p.provider_id), min(gpu_type)
      limit least($12, 8)`,
    values,
  );
  return rows;
}

function keeperOf(row: KeepingRow, order: JobOrder): WhatKeeps {
  return {
    failed: row.failed,
    ...outReasonOf(row),
    models: row.models ?? [],
    gpus: row.gpus,
    cpuCores: row.cpu ?? 0,
    memoryMb: row.memory ?? 0,
    storageGb: row.storage ?? 0,
    ...(row.vram_gb === null ? {} : { vramGb: row.vram_gb }),
    ...(row.cuda === null ? {} : { cuda: row.cuda }),
    rate: BigInt(row.rate) + portsRateOf(order),
    ...(row.offered_s === null ? {} : { offeredS: Math.max(0, row.offered_s) }),
  };
}
