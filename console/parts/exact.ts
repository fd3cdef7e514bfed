/**
 * A price in tokens, as the API writes it, in base units: exactly what its decimals say, so that sums of prices have no
 * binary fractions. What is below a base unit is cut off.
 */
export function unitsOf(price: number, decimals: number): bigint {
  const parts = /^(\d+)(?:\.(\d+))?(?:e([+-]\d{1,3}))?$/.exec(String(price));
  if (parts === null) return 0n;
  const [, whole = '', fraction = '', exponent = '0'] = parts;
  const shift = decimals - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction);
  return shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
}
