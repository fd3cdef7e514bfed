import { Client, Connection } from '@temporalio/client';
import type { LocalAccount, PrivateKeyAccount } from 'viem';
import { roleAccount, type ChainRole } from '../../../engines/chain/keys.js';
import {
  chainClient,
  fundWallet,
  tokenContract,
  vaultContract,
  type LocalVault,
} from '../../../engines/chain/wallet.js';
import type { Settlement, WorldLand } from '../../../src/client/index.js';
import { newWallet } from '../../support/api.js';
import { browserWallet, type BrowserWallet } from '../../support/browser-wallet.js';
import { chainConsoleFolder, chainConsoleVariable } from '../../support/console-stack.js';
import { openConsole, type OpenConsole } from '../../support/console.js';
import { until } from '../../support/until.js';

/** A block is final some seconds after it is there, and the broker looks each second. */
export const finalWithin = { timeoutMs: 90_000, everyMs: 300, budgetMs: 30_000 };

/** A proposal, its delay, an execution, and blocks that make both final; after one that was under way already. */
export const settledWithin = { timeoutMs: 200_000, everyMs: 2_000, budgetMs: 100_000 };

/** The console of a broker with a chain, and the chain itself. */
export interface ChainSite extends OpenConsole {
  chain: LocalVault;
  /** A wallet of a browser that is on the chain, with coins, and with so many units of the token. */
  wallet(units: bigint, more?: Partial<BrowserWallet>): Promise<BrowserWallet & { account: PrivateKeyAccount }>;
  tokensOf(account: Pick<LocalAccount, 'address'>): Promise<bigint>;
  /** What the vault says of somebody. */
  read<T>(name: string, args?: readonly unknown[]): Promise<T>;
  /** Waits until the exit of this wallet is open by the chain's last block: the page goes by the clock, which is ahead. */
  exitIsOpen(account: Pick<LocalAccount, 'address'>): Promise<void>;
  /** Calls the vault as one of its roles. */
  callAs(role: ChainRole, name: string, args: readonly unknown[]): Promise<void>;
  /** Deposits without a browser, and waits until it is booked. */
  deposit(account: PrivateKeyAccount, client: WorldLand, units: bigint): Promise<void>;
  /**
   * Has what is to be settled proposed now, and not at its time.
   *
   * @returns the number of a settlement that has a line of this customer, and is where it is wanted to be.
   */
  settled(customer: Pick<LocalAccount, 'address'>, wanted: Settlement['status']): Promise<number>;
}

export async function openChainSite(): Promise<ChainSite> {
  const site = await openConsole(process.env[chainConsoleVariable]);
  const { chain: url, chain_id, vault, token, temporal, temporal_namespace: namespace } = site.endpoints;
  const chain: LocalVault = { chain: url!, chain_id: chain_id!, vault: vault!, token: token! };
  const calls = chainClient(chain);
  const connection = await Connection.connect({ address: temporal! });
  const client = new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
  return {
    ...{ ...site, chain },
    async wallet(units, more = {}) {
      const [account, payer] = [newWallet(), newWallet()];
      // One of its own: files that run side by side would take each other's nonces.
      await calls.fund(payer.address);
      await fundWallet(chain, payer, account.address, units);
      return { ...browserWallet({ chainId: Number(chain_id), node: url!, ...more }), account };
    },
    tokensOf: async ({ address }) => await calls.read<bigint>(token!, tokenContract(), 'balanceOf', [address]),
    read: async (name, args = []) => await calls.read(vault!, vaultContract(), name, args),
    async exitIsOpen({ address }) {
      const isOpen = async () => {
        const [, , , exitAt] = await calls.read<bigint[]>(vault!, vaultContract(), 'customers', [address]);
        return (await calls.client.getBlock()).timestamp >= exitAt!;
      };
      await until(isOpen, { timeoutMs: 110_000, everyMs: 300, budgetMs: 30_000, name: 'the chain lets a wallet exit' });
    },
    async callAs(role, name, args) {
      await calls.send(roleAccount(chainConsoleFolder, role), vault!, vaultContract(), name, args);
    },
    async deposit(account, elsewhere, units) {
      await calls.send(account, token!, tokenContract(), 'approve', [vault, units]);
      await calls.send(account, vault!, vaultContract(), 'deposit', [account.address, units, units]);
      await until(async () => (await elsewhere.money.deposits()).available !== '0', {
        ...{ ...finalWithin, name: 'the deposit is booked' },
      });
    },
    settled: async ({ address }, wanted) =>
      await until(
        async () => {
          const numbers = await numbersWith(site.api, address.toLowerCase(), wanted);
          // Others have settlements, too: while one is under way, no other is cut.
          if (numbers.length === 0) await client.schedule.getHandle('settlement').trigger();
          return numbers[0];
        },
        { ...settledWithin, name: `a settlement of ${address} is ${wanted}` },
      ),
    async close() {
      await connection.close();
      await site.close();
    },
  };
}

/** Settlements with a line of a customer, the newest first. */
async function numbersWith(api: string, wallet: string, wanted: Settlement['status']): Promise<number[]> {
  const read = async (path: string) => await (await fetch(`${api}/api/v1/settlements${path}`)).json();
  const { settlements } = (await read('')) as { settlements: Pick<Settlement, 'number' | 'status'>[] };
  const found: number[] = [];
  for (const { number, status } of settlements) {
    if (status !== wanted) continue;
    const { draws } = (await read(`/${number}`)) as Pick<Settlement, 'draws'>;
    if (draws.some(({ customer }) => customer.toLowerCase() === wallet)) found.push(number);
  }
  return found;
}
