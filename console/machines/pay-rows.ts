import type { MarketType } from '../../src/client/types.generated.js';
import { unitsOf } from '../parts/exact.js';

/** What one GPU of a type would bring, if it were rented all the time at the price in the middle. In base units. */
export interface PayRow {
  gpuType: string;
  name: string;
  perHour: bigint;
  perDay: bigint;
  per30Days: bigint;
  /** How much of what there is is rented now, between 0 and 1. */
  rented: number;
}

/** The dearest first; types that nobody has a price for are left out. */
export function payRows(types: readonly MarketType[], most: number, decimals: number): PayRow[] {
  return types
    .flatMap(({ gpu_type: gpuType, name, price, total, free }) => {
      const perHour = unitsOf(price?.median ?? 0, decimals);
      const perDay = perHour * 24n;
      const rented = total === 0 ? 0 : (total - free) / total;
      return perHour <= 0n ? [] : [{ gpuType, name, perHour, perDay, per30Days: perDay * 30n, rented }];
    })
    .sort((one, other) => (other.perHour > one.perHour ? 1 : other.perHour < one.perHour ? -1 : 0))
    .slice(0, most);
}
