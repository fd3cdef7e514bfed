import type { SitePrices } from '../src/config.js';
import { findKeepers } from '../src/db/keepers.js';
import { boundOf } from '../src/db/placement-conditions.js';
import type { Queryable } from '../src/db/pool.js';
import { BrokerError } from '../src/domain/errors.js';
import type { JobOrder } from '../src/domain/job.js';
import { whyNobodyText, wordsOf } from '../src/domain/why-not.js';

/** What nobody has of what an order asks for, and the nearest that somebody has. */
export async function whyNobodyTakes(db: Queryable, order: JobOrder, site: SitePrices): Promise<string | undefined> {
  const { maxPricePerHour, maxRate, ...unbound } = order;
  // Nothing was on offer when the order arrived, so nothing was reserved: a bound of 0 is not the customer's.
  const asked = boundOf(order) === 0n ? unbound : order;
  return whyNobodyText(asked, await findKeepers(db, asked, site));
}

/** The failure of an order that nobody takes. `failedAt` are the providers that did not start the job. */
export function noCapacity(order: JobOrder, failedAt: readonly string[], reason?: string): BrokerError {
  const what = wordsOf(order);
  // Nothing was on offer when the order came, so nothing was reserved: a limit of 0 is not one that a customer set.
  const bound = (order.maxPricePerHour ?? 0) > 0 ? ` for at most ${order.maxPricePerHour} an hour` : '';
  const nobody =
    order.providerId === undefined
      ? `no ${failedAt.length === 0 ? '' : 'other '}provider has ${what} free${bound}`
      : `provider ${order.providerId} does not have ${what} free`;
  const before = failedAt.length === 0 ? '' : `; ${failedAt.join(', ')} did not start the job`;
  return new BrokerError('no_capacity', nobody + (reason === undefined ? '' : `: ${reason}`) + before);
}
