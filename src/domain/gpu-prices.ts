import { gpuTypeKey } from './gpu.js';
import { readPrice } from './pricing.js';

/** Matches every type that no other entry names. */
const anyType = '*';

/** The operator's price for GPUs whose providers set none. */
export interface GpuDefaultPrice {
  /** A `gpuTypeKey` that also covers its family (`a100` covers `a100-sxm4-80gb`), or `*`. */
  type: string;
  /** Token units per hour, as decimal text. */
  pricePerHour: string;
}

/** Who set a price: the provider, or the operator for a provider that set none. */
export const priceSources = ['provider', 'operator', 'none'] as const;
export type PriceSource = (typeof priceSources)[number];

/**
 * Parses entries such as `RTX 4090=0.4` and `*=0.1`. The longest name comes first, so the first match is the most
 * specific.
 *
 * @returns the prices, and the problems of invalid entries by their position.
 */
export function readGpuDefaultPrices(entries: readonly string[]): { prices: GpuDefaultPrice[]; problems: string[] } {
  const prices: GpuDefaultPrice[] = [];
  const problems: string[] = [];
  entries.forEach((entry, index) => {
    const at = entry.lastIndexOf('=');
    const [name, price] = [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
    const type = name === anyType ? anyType : gpuTypeKey(name);
    const problem =
      at < 0
        ? 'is not NAME=PRICE'
        : type === ''
          ? 'names no GPU type'
          : readPrice(price) === undefined
            ? 'has no price from 0 to 1000000 with at most 12 decimals and 15 digits'
            : prices.some((known) => known.type === type)
              ? 'names the type of an entry before it'
              : undefined;
    if (problem !== undefined) problems.push(`entry ${index + 1} ${problem}`);
    else prices.push({ type, pricePerHour: price });
  });
  const rank = ({ type }: GpuDefaultPrice) => (type === anyType ? 0 : type.length);
  return { prices: prices.sort((a, b) => rank(b) - rank(a)), problems };
}
