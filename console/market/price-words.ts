/** A price that nobody has set, or that is not known. */
export const noPrice = '–';

const fewest = 2;
const mostFraction = 4;
/** Below this, decimals alone would leave one digit that counts, or none. */
const smallest = 0.001;

/**
 * A price in tokens with two decimals, and with more where it has them: `0.50`, `1.80`, `0.4567`, `0.00012`. Prices of one
 * column have their points below each other that way.
 */
export function priceText(price: number | null | undefined): string {
  if (price === null || price === undefined || !Number.isFinite(price)) return noPrice;
  if (price === 0) return '0.00';
  if (Math.abs(price) < smallest) return withoutExponent(price);
  const [whole = '0', fraction = ''] = price.toFixed(mostFraction).split('.');
  const kept = fraction.replace(/0+$/, '').padEnd(fewest, '0');
  return `${whole.replace(/\B(?=(?:[0-9]{3})+$)/g, '\u202f')}.${kept}`;
}

/** Two digits that count, however small: `Number.prototype.toString` writes `1e-7`. */
function withoutExponent(price: number): string {
  const digits = Math.min(20, 1 - Math.floor(Math.log10(Math.abs(price))));
  return price.toFixed(digits).replace(/0+$/, '');
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
