import type { Quote, Site } from '../client/shapes.js';
import { durationText } from '../words/durations.js';
import { exitCodes, Failure } from './failure.js';
import type { Money } from '../words/money.js';
import { noCapacity, type Wanted } from './order.js';
import { clean } from '../words/clean.js';

/** `2 × RTX 4090, 4 cores, 16 GB, 20 GB disk, 4 h: 4.00 WLC, at most 4.40   (your limit has 21.30 left)`. */
export function costLine({ order, gpus }: Wanted, quote: Quote, site: Site, money: Money): string {
  const { defaults } = site.jobs;
  const sizes = [
    gpus,
    `${order.cpu_cores ?? defaults.cpu_cores} cores`,
    `${order.memory_gb ?? defaults.memory_gb} GB`,
    `${order.storage_gb ?? defaults.storage_gb} GB disk`,
    durationText((order.duration_hours ?? defaults.duration_hours) * 3_600),
  ];
  const cost = quote.cost;
  const price =
    cost === null || cost === undefined
      ? 'no price'
      : `${money.sum(cost.expected)}, at most ${money.amount(cost.at_most)}`;
  const left = quote.session === undefined ? '' : `   (your limit has ${money.amount(quote.session.remaining)} left)`;
  return `${sizes.join(', ')}: ${price}${left}`;
}

/**
 * Why an order costs more than the list says where it would be placed first; undefined if it does not:
 * `it takes as much of the machine as 4 GPUs, and is charged as these: ask for fewer cores, less memory or disk`.
 */
export function shareLine({ order }: Wanted, { offers: [first] = [] }: Quote): string | undefined {
  const equivalents = first?.includes?.gpu_equivalents;
  if (equivalents === undefined || !(Number(equivalents) > (order.gpu_count ?? 1))) return undefined;
  return `it takes as much of the machine as ${clean(equivalents)} GPUs, and is charged as these: ask for fewer cores, less memory or less disk`;
}

/** @throws Failure if nobody can take the order, or if the login's limit does not cover it. */
export function requireCanStart(wanted: Wanted, quote: Quote, money: Money): void {
  if (!quote.can_start) throw noCapacity(wanted.gpus, wanted.market, whyNot(quote));
  const { session, cost } = quote;
  if (session === undefined || session.covers || cost === null || cost === undefined) return;
  throw new Failure(
    exitCodes.money,
    `this may cost ${money.sum(cost.at_most)}, and your limit has ${money.amount(session.remaining)} left`,
    'log in again with a higher limit: wl login --spend-limit N',
  );
}

/** Which condition failed, and the nearest that would fit. */
function whyNot({ why_not: reasons = [] }: Quote): string {
  return reasons
    .map(({ limit, asked, nearest }) => {
      const has = nearest === null || nearest === undefined ? '' : `, the nearest has ${shown(nearest)}`;
      return clean(`${limit} ${shown(asked)} was asked for${has}`);
    })
    .join('; ');
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);
}
