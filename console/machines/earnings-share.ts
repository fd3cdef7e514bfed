export type EarningsBy = 'day' | 'job' | 'provider';

/** How a charge was shared, in base units. */
export interface EarningsShare {
  /** What customers paid. */
  charged: bigint;
  /** What the owner keeps of it, refunds taken off. */
  net: bigint;
}

export function earningsShare({ earned, fee, refunded }: Record<'earned' | 'fee' | 'refunded', string>): EarningsShare {
  return { charged: BigInt(earned) + BigInt(fee), net: BigInt(earned) - BigInt(refunded) };
}
