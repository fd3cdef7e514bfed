import type { SitePrices } from '../config.js';
import { pricedOffer, pricesOf, type MachinePriceList, type OwnerPrices } from '../domain/owner-prices.js';
import type { ProviderOffer } from '../domain/provider.js';
import { storableJson } from './json.js';
import type { Transaction } from './pool.js';
import { writeResources } from './provider-resources.js';
import { prepared } from './prepared.js';

/**
 * Puts the owners' prices, where they set any, over those of offers that agents have just sent, which are kept beside
 * them. The providers' rows must be locked.
 */
export async function keepOwnerPrices(tx: Transaction, offers: ReadonlyMap<string, ProviderOffer>): Promise<void> {
  const { rows } = await tx.query<{ provider_id: string; owner: OwnerPrices }>(
    prepared(`update provider_prices p set agent = o.prices::jsonb
       from unnest($1::text[], $2::text[]) as o (provider_id, prices)
      where p.provider_id = o.provider_id
     returning p.provider_id, p.owner`),
    [[...offers.keys()], [...offers.values()].map((offer) => storableJson(pricesOf(offer)))],
  );
  for (const { provider_id: providerId, owner } of rows) {
    const offer = offers.get(providerId)!;
    await writeOffer(tx, providerId, pricedOffer(offer, pricesOf(offer), owner));
  }
}

/** What `changeOwnerPrices` does: sets the owner's prices in place of all that he set before, or deletes them. */
export interface PriceChange {
  /**
   * The prices to set, for a machine with these types of GPUs; undefined deletes.
   *
   * @throws BrokerError which undoes the transaction.
   */
  prices: ((types: readonly string[]) => OwnerPrices) | undefined;
  /** The wallet that asks for it. */
  by: string;
}

/**
 * Changes what an owner asks for his machine. It holds from the next order on: jobs keep the price at which they were
 * placed.
 *
 * @returns the prices before and after; undefined where there is no such provider any more.
 */
export async function changeOwnerPrices(
  tx: Transaction,
  providerId: string,
  { prices, by }: PriceChange,
  site: SitePrices,
): Promise<{ before: OwnerPrices | undefined; after: OwnerPrices | undefined } | undefined> {
  const { rows } = await tx.query<{ offer: ProviderOffer; types: string[] }>(
    `select offer, array(select name from provider_resources r
                          where r.provider_id = p.provider_id and r.kind = 'gpu' order by name) as types
       from providers p where provider_id = $1 for no key update`,
    [providerId],
  );
  if (rows[0] === undefined) return undefined;
  const { offer, types } = rows[0];
  // Read by a statement of its own: one sees rows as of its start, which was before the lock was granted.
  const { rows: known } = await tx.query<{ owner: OwnerPrices; agent: MachinePriceList }>(
    'select owner, agent from provider_prices where provider_id = $1',
    [providerId],
  );
  const agent = known[0]?.agent ?? pricesOf(offer);
  const after = prices?.([...new Set([...offer.gpus.map(({ type }) => type), ...types])]);
  if (after === undefined) await tx.query('delete from provider_prices where provider_id = $1', [providerId]);
  else {
    await tx.query(
      `insert into provider_prices (provider_id, owner, agent, set_by) values ($1, $2, $3, $4)
       on conflict (provider_id) do update
         set owner = excluded.owner, set_by = excluded.set_by, set_at = clock_timestamp()`,
      [providerId, storableJson(after), storableJson(agent), by],
    );
  }
  await writeOffer(tx, providerId, pricedOffer(offer, agent, after));
  await writeResources(tx, [providerId], site);
  return { before: known[0]?.owner, after };
}

async function writeOffer(tx: Transaction, providerId: string, offer: ProviderOffer): Promise<void> {
  await tx.query(
    `update providers set offer = $2, cpu_price_per_hour = $3, memory_price_per_gb_hour = $4, updated_at = now()
      where provider_id = $1`,
    [providerId, storableJson(offer), offer.cpuPricePerHour, offer.memoryPricePerGbHour],
  );
}
