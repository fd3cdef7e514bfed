import type { MarketType } from '../../src/client/types.generated.js';

/** What one GPU of a type would bring, if it were rented all the time at the price in the middle. */
export interface PayRow {
  gpuType: string;
  name: string;
  perHour: number;
  perDay: number;
  per30Days: number;
  /** How much of what there is is rented now, between 0 and 1. */
  rented: number;
}

/** The dearest first; types that nobody has a price for are left out. */
export function payRows(types: readonly MarketType[], most: number): PayRow[] {
  return types
    .flatMap(({ gpu_type: gpuType, name, price, total, free }) =>
      price === null || price.median <= 0
        ? []
        : [
            {
              ...{ gpuType, name, perHour: price.median, perDay: price.median * 24, per30Days: price.median * 24 * 30 },
              rented: total === 0 ? 0 : (total - free) / total,
            },
          ],
    )
    .sort((one, other) => other.perHour - one.perHour)
    .slice(0, most);
}
