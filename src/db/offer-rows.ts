import type { Keeper } from '../domain/why-not.js';
import { mayExceedShareSql, offeredSql } from './offers.js';
import {
  askedConditions,
  orderedTerms,
  orderFailuresSql,
  orderGpuPriceSql,
  orderListRateSql,
  orderRateSql,
  presentConditions,
} from './placement-conditions.js';

/** The machines that an order is compared with, for lists of offers and for what keeps it out. */

/** What a machine has free. */
export const freeSql = `
  select max(r.total - r.rented) filter (where r.kind = 'cpu') as cpu,
         max(r.total - r.rented) filter (where r.kind = 'memory') as memory,
         max(r.total - r.rented) filter (where r.kind = 'storage') as storage,
         max(r.total - r.rented) filter (where r.kind = 'pods') as pods
    from provider_resources r
   where r.provider_id = p.provider_id and r.name = ''`;

const { room: _, ...presentButRoom } = presentConditions;
/** Every condition that can be told before the price is known; `room` by what is short. */
export const conditions: Record<Exclude<Keeper, 'priced' | 'pays'>, string> = {
  ...presentButRoom,
  cpu: 'h.cpu >= $3::bigint',
  memory: 'h.memory >= $4::bigint',
  storage: 'h.storage >= $5::bigint',
  pods: 'h.pods >= 1',
  ...askedConditions,
};

/** The names of the conditions that a row does not meet. */
export const unmetSql = (of: Partial<Record<Keeper, string>>) =>
  `array_remove(array[${Object.entries(of)
    .map(([name, condition]) => `case when not coalesce(${condition}, false) then '${name}' end`)
    .join(', ')}]::text[], null)`;

/** Machines that have joined, with each GPU type that they have, or had. */
const inFleetSql = `p.joined_at is not null and p.status <> 'retired' and ($2 = 0 or g.name is not null)`;

/**
 * The machines of `rows` with the rate of the order at each; with `free`, which they need for some conditions, their free
 * amounts, too. `offset 0` has computed once what is used more than once.
 */
export const ratedSql = (rows: string, unmet: string, where: string, free: boolean) => `
  select p.*, cost.rate, cost.list_rate
    from (select p.provider_id, p.status, p.cordoned, p.spec, p.offer, p.available_until,
                 p.cpu_price_per_hour as cpu_price, p.memory_price_per_gb_hour as memory_price,
                 p.storage_price_per_gb_hour as storage_price,
                 g.name as gpu_type, g.model as gpu_model, g.vram_gb, g.cuda, coalesce(g.total, 0) as total_gpus,
                 coalesce(g.total - g.rented, 0) as free_gpus, ${orderGpuPriceSql} as gpu_price,
                 ${orderFailuresSql} as failures, s.out_reason, ${unmet} as unmet
                 ${free ? ', h.cpu, h.memory, h.storage' : ''}
            from ${rows} ${free ? `cross join lateral (${freeSql}) h` : ''}
           where ${inFleetSql} and ${where}) p,
         lateral (${offeredSql('$7', mayExceedShareSql(orderedTerms))}) o,
         lateral (select ${orderRateSql} as rate, ${orderListRateSql} as list_rate offset 0) cost`;

/** Why a machine is out; of no interest once it is not. */
export function outReasonOf({ failed, out_reason: reason }: { failed: Keeper[]; out_reason: string | null }) {
  return reason === null || !failed.includes('trusted') ? {} : { outReason: reason };
}
