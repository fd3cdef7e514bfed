import { isEnoughSql } from './gpu-types.js';
import { gpuPriceSql, hasOtherPricesSql, listRateSql, mayExceedShareSql } from './offers.js';
import { listedTerms } from './placement-conditions.js';

/**
 * A placement does not read the whole fleet: it looks at the free GPUs from the cheapest on, and stops when what it has
 * not seen cannot be cheaper than what it has found. A whole order costs no less than its GPUs, so the price of the last
 * GPU that it looked at is a bound for all others.
 */

/**
 * How many of the cheapest it looks at, and if these do not settle it, how many more: machines that are offline or otherwise
 * not fit are among them. After that it reads all.
 */
export const walkSteps = [64, 512] as const;

const freeGpus = `g.kind = 'gpu' and g.total > g.rented`;

/** All types of which a GPU is free; there are few, and each is looked up once in the index. */
const nextName = (after: string) =>
  `select g.name from provider_resources g where ${freeGpus} ${after} order by g.name limit 1`;
const freeTypes = `
  types as (
    select name from unnest($1::text[]) as n (name)
    union all
    select name from (
      with recursive t as (
        (${nextName('and $1::text[] is null')})
        union all
        select n.name from t, lateral (${nextName('and g.name > t.name')}) n
      ) select name from t) every
  )`;

/** Among GPUs that cost the same: a placement fills machines, and a list is read by their ids. */
const walkOrders = { placement: ['free', 'provider_id'], list: ['provider_id', 'name'] } as const;
export type WalkOrder = keyof typeof walkOrders;
/** The same in the words of the indexes, within a type. */
const indexOrders = {
  placement: 'g.price_per_hour, g.total - g.rented, g.provider_id',
  list: 'g.price_per_hour, g.provider_id',
};

/** The cheapest of a type that fulfil a condition, or have no own price, so that they cost all the same. */
const cheapest = (condition: string, most: number, order: WalkOrder) => `
  (select g.provider_id, g.name, g.price_per_hour, g.total - g.rented as free
     from provider_resources g
    where ${freeGpus} and g.name = types.name and g.total - g.rented >= $2 and ${isEnoughSql('g', '$15', '$16')}
      and ${condition}
    order by ${indexOrders[order]}
    limit ${most})`;

/**
 * GPUs for which nobody has set a price: they are free, or sold for the prices of other things, or for the share of its
 * machine that an order takes, whose other GPUs may have one.
 */
const unpriced = `g.price_per_hour = 0 and d.price = 0 and not $11::boolean`;
const mayExceedShare = mayExceedShareSql({
  ...{ gpus: '$2', cpuCores: '$3::bigint', memoryMb: '$4::bigint', storageGb: '$5::bigint' },
});
/** Two parts, of which one is left out beforehand: a condition on both could not use the index of other prices. */
const unpricedParts = [
  `${unpriced} and not ${mayExceedShare} and exists (
        select from providers x where x.provider_id = g.provider_id and ${hasOtherPricesSql('x')})`,
  `${unpriced} and ${mayExceedShare}`,
];

/**
 * The statement's `with`: the rows that it looks at are `looked`, and `seen` says how many there were, and up to which one: all
 * others are dearer, or at its price emptier, or at its price as full and behind it by their ids.
 *
 * @param most how many it looks at.
 * @param always the parameter with providers that are looked at whatever they cost, or undefined.
 */
export const walkSql = (most: number, always: string | undefined, order: WalkOrder) => `
  with ${freeTypes}, walked as materialized (
    select g.provider_id, g.name, g.free, coalesce(nullif(g.price_per_hour, 0), d.price) as price
      from types,
           lateral (select ${gpuPriceSql('0', 'types.name', '$7')} as price) d,
           lateral (${cheapest('g.price_per_hour > 0', most, order)}
                    union all ${cheapest('g.price_per_hour = 0 and (d.price > 0 or $11::boolean)', most, order)}
                    ${unpricedParts.map((part) => `union all ${cheapest(part, most, order)}`).join(' ')}) g
     order by price, ${walkOrders[order].join(', ')}
     limit ${most}
  ), looked as materialized (
    select provider_id, name from walked
    ${always === undefined ? '' : `union select provider_id, name from provider_resources where kind = 'gpu' and provider_id = any (${always})`}
  ), seen as materialized (
    select count(*) < ${most} as all_of_them, coalesce(max(price), 0) as gpu_price, ${last('free', order)} as free,
           ${last('provider_id', order)} as provider_id, ${last('name', order)} as name
      from walked
  )`;

/** A column of the last row that was walked; null if there was none. */
const last = (column: string, order: WalkOrder) =>
  `(array_agg(${column} order by price desc, ${walkOrders[order].map((by) => `${by} desc`).join(', ')}))[1]`;

/**
 * As `placementRows`, of those that are looked at. Each is read by its key: the planner does not know how few they are, and
 * would read all providers.
 */
export const walkedRows = `
  looked
    cross join lateral (select * from providers x where x.provider_id = looked.provider_id offset 0) p
    left join lateral (select * from provider_starts x where x.provider_id = looked.provider_id offset 0) s on true
    cross join lateral (
      select * from provider_resources x
       where x.provider_id = looked.provider_id and x.kind = 'gpu' and x.name = looked.name offset 0) g`;

/** What an order costs at the least at a provider that was not looked at; a row of `seen`. */
export const unseenRateSql = listRateSql({
  ...listedTerms,
  ...{ gpuPrice: 'seen.gpu_price', cpuPrice: '0', memoryPrice: '0', storagePrice: '0' },
});
