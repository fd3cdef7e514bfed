import type { Hex } from 'viem';

export type Recover = (digest: Hex, signature: Hex) => Promise<string | undefined>;
