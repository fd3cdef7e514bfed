import type { Token } from '../client/shapes.js';

/** Amounts as people read them; the exact ones are in `--json`. */
export interface Money {
  symbol: string;
  decimals: number;
  /** Base units as tokens, to two decimals: `1.13`. */
  amount(baseUnits: string): string;
  /** With the symbol. */
  sum(baseUnits: string): string;
}

const places = 2;

export function money({ symbol, decimals }: Token): Money {
  const amount = (baseUnits: string) => amountText(baseUnits, decimals);
  return { symbol, decimals, amount, sum: (baseUnits) => `${amount(baseUnits)} ${symbol}` };
}

/** Rounded to the nearest hundredth; what is not nothing never reads as nothing. */
export function amountText(baseUnits: string, decimals: number): string {
  if (!/^-?\d{1,90}$/.test(baseUnits)) return '?';
  const value = BigInt(baseUnits);
  const size = value < 0n ? -value : value;
  const unit = 10n ** BigInt(Math.max(0, decimals - places));
  const hundredths = decimals >= places ? (size + unit / 2n) / unit : size * 10n ** BigInt(places - decimals);
  if (hundredths === 0n && size > 0n) return '<0.01';
  const digits = hundredths.toString().padStart(places + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** A price in token units, as the API has prices: at least two decimals, and as many as it needs, up to six. */
export function priceText(price: number | null | undefined): string {
  if (price === null || price === undefined || !Number.isFinite(price)) return '–';
  const text = price.toFixed(6).replace(/0{1,4}$/, '');
  return text === '0.00' && price > 0 ? '<0.000001' : text;
}
