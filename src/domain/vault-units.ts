/*
 * The vault counts in the units of its token, everything else in base units (10^-18 of a token). Totals are converted, not
 * changes, and in one direction: whatever is rounded off stays in the vault, at most one unit for each wallet for ever.
 */

/** Base units in one unit of a token. */
export function scaleOf(decimals: number): bigint {
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 18) {
    throw new RangeError('a token has 0 to 18 decimals');
  }
  return 10n ** BigInt(18 - decimals);
}

/** What arrived or left, in base units. */
export function baseUnitsOf(units: bigint, scale: bigint): bigint {
  return units * scale;
}

/**
 * What is drawn from a customer in all, in units of the token, for what he was charged in all. It is rounded up, so that
 * his balance on the chain is the whole units of his balance in the ledger.
 */
export function drawnUnits(charged: bigint, scale: bigint): bigint {
  return (charged + scale - 1n) / scale;
}

/** What a payee is credited in all, for what he has earned in all. The rest is credited once it is a whole unit. */
export function creditedUnits(earned: bigint, scale: bigint): bigint {
  return earned / scale;
}

/** A customer's money, as far as it concerns a vault. Base units, where not said otherwise. */
export interface DrawFacts {
  /** What he deposited in all, and what of it left the vault again. */
  deposited: bigint;
  withdrawn: bigint;
  /** What the ledger has of him, whatever is reserved or about to leave included; negative what he owes. */
  balance: bigint;
  /** What all draws may come to, in units of the token, as he allowed it. */
  cap: bigint;
  /** His line in the last settlement, in units of the token. */
  before: bigint;
}

/**
 * The total to be drawn from a customer, in units of the token: what is in the vault and no longer his. It is never more
 * than is there, nor than he allowed; what is left is his debt, and stands in the ledger. A refund makes it no smaller,
 * because the vault gives nothing back: he uses that up before anything else is drawn.
 */
export function drawOf({ deposited, withdrawn, balance, cap, before }: DrawFacts, scale: bigint): bigint {
  const his = balance > 0n ? balance : 0n;
  const gone = deposited - withdrawn - his;
  const drawn = gone > 0n ? drawnUnits(gone, scale) : 0n;
  const allowed = drawn < cap ? drawn : cap;
  return allowed > before ? allowed : before;
}
