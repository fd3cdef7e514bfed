import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { VaultFacts } from '../src/chain/check-vault.js';
import { beginSettlement, type Begun } from '../src/chain/begin-settlement.js';
import { advanceSettlement, type Advanced } from '../src/chain/settlement.js';
import type { Rpc } from '../src/chain/rpc.js';
import { signWithdrawal } from '../src/chain/withdrawal.js';
import { watchVault, type Watched } from '../src/chain/vault-watch.js';
import type { ChainSettings } from '../src/config/chain.js';
import { withErrorCodes } from './failures.js';

/** For activities that ask a chain. They have a task queue of their own: nothing else waits for them. */
export interface ChainActivityDeps {
  settings: ChainSettings;
  facts: VaultFacts;
  rpcs: readonly Rpc[];
  pool: Pool;
  logger: Logger;
  /** Seconds between two looks at a settlement; only tests set it. */
  pollS?: number;
  /** Seconds that a settlement waits for the signatures of its receipts; only tests set it. */
  signedWithinS?: number;
}

/** Every activity of the chain’s task queue. Each is safe to repeat after a crash on any of its lines. */
export function createChainActivities(deps: ChainActivityDeps) {
  return withErrorCodes({
    /** Books what the vault’s events say up to the last final block. */
    async watchVault(): Promise<Watched> {
      return await watchVault(deps);
    },

    /** Cuts a settlement, or finds the one that is under way. */
    async beginSettlement(): Promise<Begun> {
      return await beginSettlement(deps);
    },

    /** Signs a withdrawal that the vault would pay out, or gives its money back. */
    async signWithdrawal(id: string): Promise<void> {
      await signWithdrawal(deps, id);
    },

    /** Looks once at a settlement, and does what is missing. */
    async advanceSettlement(number: number): Promise<Advanced> {
      return await advanceSettlement(deps, number);
    },
  });
}

export type ChainActivities = ReturnType<typeof createChainActivities>;
