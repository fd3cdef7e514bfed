import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { ChainSettings } from '../config/chain.js';
import type { VaultFacts } from './check-vault.js';
import type { Rpc } from './rpc.js';

/** What reads a vault works with. */
export interface WatchDeps {
  settings: Pick<ChainSettings, 'finality' | 'leastDeposit' | 'fromBlock' | 'operatorKey'>;
  facts: VaultFacts;
  rpcs: readonly Rpc[];
  pool: Pool;
  logger: Logger;
}
