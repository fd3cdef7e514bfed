import type { Address, PrivateKeyAccount } from 'viem';
import { checkVault } from '../../src/chain/check-vault.js';
import { createRpcs } from '../../src/chain/rpc.js';
import { watchVault } from '../../src/chain/vault-watch.js';
import { signWithdrawal } from '../../src/chain/withdrawal.js';
import { recordSeen, recordVault } from '../../src/db/vaults.js';
import { scaleOf } from '../../src/domain/vault-units.js';
import { createLogger } from '../../src/observability/logger.js';
import { startAnvil, type Anvil } from './anvil.js';
import { freshDatabase } from './database.js';
import { deployVault, roles, settingsOf, type TestVault } from './vault.js';
import { startWlBroker, type WlBroker } from './wl-broker.js';

/** A broker's API whose customers pay from a vault, and what a worker of it does, with a chain of its own. */
export interface WlChain {
  anvil: Anvil;
  vault: TestVault;
  broker: WlBroker;
  /** What the API is started with. */
  env: Record<string, string>;
  /** Makes blocks, and has the broker read them, until the returned function is called. */
  run(): () => Promise<void>;
  /** Gives a wallet tokens, in units, and coins for gas. */
  give(account: PrivateKeyAccount, units: bigint): Promise<void>;
  tokensOf(address: Address): Promise<bigint>;
  stop(): Promise<void>;
}

export async function startWlChain(): Promise<WlChain> {
  const [anvil, database] = [await startAnvil(), await freshDatabase()];
  const vault = await deployVault(anvil);
  const settings = settingsOf(anvil, vault, { finality: 1 });
  const rpcs = createRpcs(settings);
  const facts = await checkVault(settings, rpcs);
  const logger = createLogger({ LOG_LEVEL: 'silent' }, 'worker');
  const deps = { settings, rpcs, facts, pool: database.pool, logger };
  const env = {
    ...{ ENABLE_BLOCKCHAIN: 'true', BLOCKCHAIN_RPC_URL: anvil.url, BLOCKCHAIN_CHAIN_ID: String(anvil.chainId) },
    ...{ VAULT_ADDRESS: vault.vault, BROKER_ROLES: 'api', CHAIN_FINALITY: '1' },
  };
  const signs = { signWithdrawal: (id: string) => signWithdrawal(deps, id) };
  const broker = await startWlBroker(env, { database, vault: signs });
  const holders = [roles.operator, roles.guardian, roles.treasury].map((role) => anvil.accounts[role]!.address);
  const [operator, guardian, treasury] = holders.map((address) => address.toLowerCase() as Address);
  await recordVault(database.pool, facts, { ...facts, scale: scaleOf(facts.decimals) });
  await recordSeen(database.pool, facts, {
    ...{ token: facts.token, symbol: 'TEST', decimals: facts.decimals },
    ...{ operator: operator!, guardian: guardian!, treasury: treasury! },
    ...{ proposed: 0, lastExecuted: 0, pausedUntilS: 0, fees: 0n },
  });
  return {
    ...{ anvil, vault, broker, env },
    run() {
      let isOn = true;
      const running = (async () => {
        while (isOn) {
          await anvil.client.mine({ blocks: 1 });
          await watchVault(deps);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      return async () => {
        isOn = false;
        await running;
      };
    },
    async give(account, units) {
      await anvil.client.setBalance({ address: account.address, value: 10n ** 19n });
      await vault.send(account, 'token', 'mint', [account.address, units]);
    },
    tokensOf: async (holder) =>
      await anvil.client.readContract({
        address: vault.token,
        abi: [
          {
            ...{ type: 'function', name: 'balanceOf', stateMutability: 'view' },
            ...{ inputs: [{ name: '', type: 'address' }], outputs: [{ name: '', type: 'uint256' }] },
          },
        ] as const,
        functionName: 'balanceOf',
        args: [holder],
      }),
    async stop() {
      await broker.stop();
      await anvil.stop();
    },
  };
}
