/** As on chain: a token is 10^18 base units. */
const decimals = 18;

/** Base units as a decimal number of tokens, exactly: `1500000000000000000` is `1.5`. */
export function tokensOf(baseUnits: bigint): string {
  const digits = baseUnits.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  return digits.slice(0, -decimals) + (fraction === '' ? '' : `.${fraction}`);
}
