import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { ChainSettings } from '../config/chain.js';
import type { VaultFacts } from './check-vault.js';
import type { Rpc } from './rpc.js';

/** What everything needs that reads the vault. */
export interface WatchDeps {
  settings: Pick<ChainSettings, 'finality' | 'leastDeposit' | 'fromBlock' | 'operatorKey'>;
  facts: VaultFacts;
  rpcs: readonly Rpc[];
  pool: Pool;
  logger: Logger;
}
