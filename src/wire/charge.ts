const msPerHour = 3_600_000n;

/** The price of the billed time, rounded down. The rate is for an hour. */
export function chargeFor(rate: bigint, billedMs: number): bigint {
  return (rate * BigInt(billedMs)) / msPerHour;
}

/** The platform's part of a charge, rounded down: the crumb is the provider's. `feeBps` are hundredths of a percent. */
export function feeFor(charge: bigint, feeBps: number): bigint {
  return (charge * BigInt(feeBps)) / 10_000n;
}
