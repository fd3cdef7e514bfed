import { priceFigure } from '../parts/amounts.js';

/** A figure that nobody knows. */
export const unknown = '–';

/** `0.50`, or a dash where nobody has set a price. */
export function priceText(price: number | null | undefined): string {
  return price === null || price === undefined || !Number.isFinite(price) ? unknown : priceFigure(price);
}

/** `1 GPU`, `3 GPUs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
