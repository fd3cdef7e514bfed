/*
 * The vault counts in the units of its token, the ledger in base units, 10^-18 of a token. What is rounded off stays where
 * it is: nobody deposits, allows or takes out a part of a unit.
 */

/** Decimals of the ledger. */
export const ledgerDecimals = 18;

const scaleOf = (decimals: number) => 10n ** BigInt(ledgerDecimals - decimals);

/** Whole units of the token in an amount of base units. */
export function unitsIn(baseUnits: string | bigint, decimals: number): bigint {
  return BigInt(baseUnits) / scaleOf(decimals);
}

/** As few whole units as cover an amount of base units. */
export function unitsFor(baseUnits: string | bigint, decimals: number): bigint {
  const scale = scaleOf(decimals);
  return (BigInt(baseUnits) + scale - 1n) / scale;
}

export function baseUnitsOf(units: bigint, decimals: number): bigint {
  return units * scaleOf(decimals);
}

/** Whether an amount of base units is one that the token can carry. */
export function isWhole(baseUnits: string | bigint, decimals: number): boolean {
  return BigInt(baseUnits) % scaleOf(decimals) === 0n;
}
