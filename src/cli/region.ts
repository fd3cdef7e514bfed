import type { WorldLand as Client } from '../client/index.js';
import type { OfferQuery } from '../client/shapes.js';
import { exitCodes, Failure } from './failure.js';
import { clean } from '../words/clean.js';

/**
 * The machine for an order that is bound to a region: orders name machines, not regions, so the cheapest one there that
 * can take it is named.
 *
 * @throws Failure `noCapacity` if nobody there can take it.
 */
export async function machineIn(client: Client, region: string, query: OfferQuery): Promise<string> {
  const offers = await client.offers.list({ ...query, region, sort: 'price' }).all(1);
  const [cheapest] = offers;
  if (cheapest !== undefined) return cheapest.provider_id;
  throw new Failure(
    exitCodes.noCapacity,
    `nobody in ${clean(region)} can take that`,
    'wl offers --region NAME shows what there is; without --region, wl asks everywhere',
  );
}
