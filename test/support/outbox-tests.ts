import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Logger } from 'pino';
import { encodeFunctionData } from 'viem';
import { createOutbox, type Outbox, type WantedCall } from '../../src/chain/outbox.js';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { createRpcs } from '../../src/chain/rpc.js';
import type { ChainSettings } from '../../src/config/chain.js';
import { createLogger } from '../../src/observability/logger.js';
import { startAnvil, type Anvil } from './anvil.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { startRpcProxy, type RpcProxy } from './rpc-proxy.js';
import { deployVault, settingsOf, type TestVault } from './vault.js';

/** Gives each test of a file a vault of its own and an empty outbox, on one chain, behind a node that may fail. */
export function useOutbox(logger: Logger = createLogger({ LOG_LEVEL: 'silent' }, 'worker')) {
  let anvil: Anvil;
  let proxy: RpcProxy;
  let vault: TestVault;
  let database: TestDatabase;
  beforeAll(async () => {
    [anvil, database] = await Promise.all([startAnvil(), freshDatabase()]);
    proxy = await startRpcProxy(anvil.url);
  });
  afterAll(async () => {
    await proxy.stop();
    await Promise.all([anvil.stop(), database.close()]);
  });
  beforeEach(async () => {
    proxy.faults(() => 'pass');
    vault = await deployVault(anvil);
  });
  afterEach(async () => {
    await anvil.client.setAutomine(true);
    await anvil.client.mine({ blocks: 3 });
    await database.pool.query('truncate chain_tx');
  });

  return {
    get anvil() {
      return anvil;
    },
    get proxy() {
      return proxy;
    },
    get vault() {
      return vault;
    },
    get database() {
      return database;
    },

    /** The outbox of a process; each is one of its own. */
    outbox(changed: Partial<ChainSettings> = {}, patienceS = 60): Outbox {
      const settings = settingsOf(anvil, vault, { rpcUrls: [proxy.url], finality: 2, ...changed });
      const rpcs = createRpcs({ ...settings, timeoutMs: 3_000 });
      return createOutbox({ settings, rpcs, pool: database.pool, logger, patienceS });
    },

    /** A call that proposes a settlement. */
    propose: (number: number): WantedCall => ({
      purpose: `${vault.vault} propose:${number}`,
      to: vault.vault,
      data: encodeFunctionData({
        abi: rentalVaultAbi,
        functionName: 'propose',
        args: [BigInt(number), `0x${'7'.repeat(64)}`],
      }),
    }),
  };
}
