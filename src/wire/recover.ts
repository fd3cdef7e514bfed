import type { Hex } from 'viem';

/** Finds the address, in lower case, whose key signed a digest; undefined for a signature that is none. */
export type Recover = (digest: Hex, signature: Hex) => Promise<string | undefined>;
