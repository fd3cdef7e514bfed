import { priceFigure } from '../parts/amounts.js';

/** A figure that nobody knows. */
export const unknown = '–';

/** `0.50`, or a dash where nobody has set a price. */
export function priceText(price: number | null | undefined): string {
  return price === null || price === undefined || !Number.isFinite(price) ? unknown : priceFigure(price);
}

/** `99.9 %`; `new` for a machine that nobody has watched for long enough. */
export function reliabilityText(share: number | null): string {
  if (share === null) return 'new';
  // Never rounded up to all of the time.
  const percent = Math.floor(share * 1000) / 10;
  return `${percent.toFixed(percent === 100 ? 0 : 1)} %`;
}

/** `1 GPU`, `3 GPUs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
