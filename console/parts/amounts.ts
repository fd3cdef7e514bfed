/** Amounts of tokens as they are shown. Base units are decimal text; a price per hour comes as a number. */

/**
 * Base units as a figure: two decimals where they say it, up to six below a tenth, never a rounded-up zero:
 * `4.40`, `0.000012`, `< 0.000001`.
 */
export function figureOf(baseUnits: string | bigint, decimals: number): string {
  const units = BigInt(baseUnits);
  const sign = units < 0n ? '−' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals);
  if (/^0*$/.test(whole) && /^0{6}/.test(fraction) && /[1-9]/.test(fraction)) return `${sign}< 0.000001`;
  const shown = /^0*$/.test(whole) && /^0/.test(fraction) ? 6 : 2;
  const cut = fraction.slice(0, shown).padEnd(2, '0');
  const trimmed = cut.slice(0, 2) + cut.slice(2).replace(/0+$/, '');
  return `${sign}${grouped(whole)}${trimmed === '' ? '' : `.${trimmed}`}`;
}

/** A price per hour, in tokens: `0.50`, `0.0125`, `< 0.0001`. */
export function priceFigure(price: number): string {
  if (price > 0 && price < 0.0001) return '< 0.0001';
  const text = price.toFixed(price !== 0 && price < 0.1 ? 4 : 2);
  const [whole = '0', fraction = ''] = text.split('.');
  return `${grouped(whole)}.${fraction.slice(0, 2)}${fraction.slice(2).replace(/0+$/, '')}`;
}

/** Narrow spaces between the thousands. */
function grouped(whole: string): string {
  return whole.replace(/\B(?=(?:[0-9]{3})+$)/g, '\u202f');
}

/** What part of a whole this is, between 0 and 1, of base units. */
export function partOf(part: string | bigint, whole: string | bigint): number {
  const [of, all] = [BigInt(part), BigInt(whole)];
  if (all <= 0n) return of > 0n ? 1 : 0;
  return Math.min(1, Math.max(0, Number((of * 10_000n) / all) / 10_000));
}
