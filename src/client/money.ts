import { WorldLandError } from './errors.js';

const defaultDecimals = 18;

/**
 * Base units of an amount in tokens: `tokens('1.5')` is `'1500000000000000000'`.
 *
 * @throws WorldLandError `validation_failed` if it is no amount, or has more decimals than the token.
 */
export function tokens(amount: string, decimals = defaultDecimals): string {
  const parts = /^(\d{1,60})(?:\.(\d{1,60}))?$/.exec(amount.trim());
  const fraction = (parts?.[2] ?? '').replace(/0+$/, '');
  if (parts === null || fraction.length > decimals) {
    const detail = `"${amount}" is not an amount of tokens, such as 25 or 0.5, with ${decimals} decimals at most`;
    throw new WorldLandError('validation_failed', detail);
  }
  return BigInt(parts[1]! + fraction.padEnd(decimals, '0')).toString();
}

/**
 * Base units as tokens, without the digits beyond `digits`: `formatAmount('1130000000000000000')` is `'1.13'`.
 *
 * @param token of `site().token`; with a symbol it is written behind.
 */
export function formatAmount(
  baseUnits: string | bigint,
  token: { decimals?: number; symbol?: string } = {},
  digits = token.decimals ?? defaultDecimals,
): string {
  const { decimals = defaultDecimals, symbol } = token;
  const amount = BigInt(baseUnits);
  const text = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
  const whole = text.slice(0, text.length - decimals);
  const fraction = text
    .slice(text.length - decimals)
    .slice(0, digits)
    .replace(/0+$/, '');
  const written = `${amount < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  return symbol === undefined ? written : `${written} ${symbol}`;
}

/** A limit as given: text is tokens, a bigint is base units. */
export function baseUnitsOf(limit: string | bigint, decimals = defaultDecimals): bigint {
  return typeof limit === 'bigint' ? limit : BigInt(tokens(limit, decimals));
}
