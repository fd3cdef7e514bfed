import { gpuText } from '../../src/words/gpu-text.js';
import type { MarketType, OwnProvider } from '../../src/client/types.generated.js';
import { withPoint } from '../parts/typed-number.js';

/** One GPU type of a machine, and what its price may be compared with. */
export interface PriceField {
  /** As the machine calls it; the broker takes this spelling. */
  type: string;
  name: string;
  count: number;
  /** What holds now. */
  price: number;
  /** What the machine itself asks, which holds once the owner's price is taken back. */
  own: number | undefined;
  /** Set here, and not by the machine. */
  isSet: boolean;
  market: NonNullable<MarketType['price']> | undefined;
}

type Priced = Pick<OwnProvider, 'capacity' | 'owner_prices'>;

export function priceFields({ capacity, owner_prices: set }: Priced, market: readonly MarketType[]): PriceField[] {
  return Object.entries(capacity.total_gpus).map(([type, count]) => {
    const price = capacity.gpu_prices_per_hour[type] ?? 0;
    const own = set === undefined ? price : sameType(set.agent.gpu, type);
    const setPrice = sameType(set?.gpu ?? {}, type);
    return {
      ...{ type, name: gpuText(undefined, type), count, price, own },
      isSet: setPrice !== undefined,
      market: marketOf(type, market)?.price ?? undefined,
    };
  });
}

/** Whether a machine's prices were set, or taken back, since they were read into a form. */
export function arePricesStale(
  { owner_prices: read }: Pick<OwnProvider, 'owner_prices'>,
  { owner_prices: now }: Pick<OwnProvider, 'owner_prices'>,
): boolean {
  return read?.set_at !== now?.set_at;
}

/** The market's row of a GPU that a machine has; undefined if the market has none of that name. */
export function marketOf(type: string, market: readonly MarketType[]): MarketType | undefined {
  const wanted = [type, gpuText(undefined, type)].map(compact);
  return market.find((row) => [row.gpu_type, row.name].some((name) => wanted.includes(compact(name))));
}

/** The same type under a name that may be spelt otherwise. */
function sameType(prices: Readonly<Record<string, number>>, type: string): number | undefined {
  const wanted = [type, gpuText(undefined, type)].map(compact);
  return Object.entries(prices).find(([name]) =>
    [name, gpuText(undefined, name)].some((spelt) => wanted.includes(compact(spelt))),
  )?.[1];
}

const compact = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

export const highestPrice = 1_000_000;

/**
 * Reads a price as a person types it, with a comma or a point.
 *
 * @returns the price, or what is wrong with it.
 */
export function readPrice(text: string): { price: number } | { problem: string } {
  const plain = withPoint(text);
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(plain)) return { problem: 'Write a number with a point, such as 0.5 or 1250.' };
  const [whole = '', decimals = ''] = plain.split('.');
  if (decimals.replace(/0+$/, '').length > 12) return { problem: 'Use 12 decimals at most.' };
  if (`${whole}${decimals}`.replace(/^0+/, '').length > 15) return { problem: 'Use 15 digits at most.' };
  const price = Number(plain);
  return price > highestPrice ? { problem: 'That is more than a million.' } : { price };
}

/** How a price stands in the market, in words. */
export function inTheMarket(price: number, market: PriceField['market'], symbol: string): string {
  if (market === undefined) return 'Nobody else offers this type now.';
  if (price === 0) return '0 leaves the price to the operator of this site; without one, the GPU is not offered.';
  const gap = market.median === 0 ? 0 : Math.round((price / market.median - 1) * 100);
  if (price < market.min) return `Below everything offered now: the lowest is ${market.min} ${symbol}.`;
  if (price > market.max) return `Above everything offered now: the highest is ${market.max} ${symbol}.`;
  if (gap === 0) return 'At the median.';
  return gap < 0 ? `${-gap} % below the median.` : `${gap} % above the median.`;
}

/**
 * What to set. A field that is left empty is the machine's own price again, and so is not sent.
 *
 * @returns undefined if nothing is left to set: then the prices are to be cleared.
 */
export function pricesToSet(
  typed: readonly { type: string; price: number | undefined }[],
  rest: { cpu?: number | undefined; memoryGb?: number | undefined; storageGb?: number | undefined },
): { gpu: Record<string, number>; cpu?: number; memory_gb?: number; storage_gb?: number } | undefined {
  const gpu = Object.fromEntries(
    typed.flatMap(({ type, price }) => (price === undefined ? [] : [[type, price] as const])),
  );
  const { cpu, memoryGb, storageGb } = rest;
  const others = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memoryGb === undefined ? {} : { memory_gb: memoryGb }),
    ...(storageGb === undefined ? {} : { storage_gb: storageGb }),
  };
  return Object.keys(gpu).length + Object.keys(others).length === 0 ? undefined : { gpu, ...others };
}
