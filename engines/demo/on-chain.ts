import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, ScheduleOverlapPolicy } from '@temporalio/client';
import { formatUnits, parseUnits, type Account, type Address } from 'viem';
import { openMemory, type Decision } from '../../src/guardian/memory.js';
import { guardianFolder } from '../chain/guardian.js';
import { roleAccount } from '../chain/keys.js';
import {
  chainClient,
  fundWallet,
  tokenContract,
  tokenDecimals,
  vaultContract,
  type LocalVault,
} from '../chain/wallet.js';
import type { Steps } from '../cli/steps.js';
import type { Endpoints } from '../engine.js';
import type { Customer } from './customer.js';
import { ownerWallet } from './keys.js';
import { machines } from './machines.js';
import { moneyTable } from './money-table.js';
import { readBalances, rowsOf, type Balances } from './vault-balances.js';

const units = (tokens: string) => parseUnits(tokens, tokenDecimals);
const tokensOf = (amount: bigint) => formatUnits(amount, tokenDecimals);
/** Base units of the ledger in one unit of the token. */
const scale = 10n ** BigInt(18 - tokenDecimals);

/** What a wallet of the demo has at the start, what it deposits, and below how much it deposits again. */
const [purse, deposited, enough] = [units('100'), units('25'), units('10')];

export type ChainSite = LocalVault & Pick<Endpoints, 'temporal' | 'temporal_namespace'>;

/** What the demo does on a chain, by the way that everybody has: the wallets send their own transactions. */
export interface OnChain {
  /** Gives a wallet what a demo may give: test tokens, and coins for gas. */
  fill(account: Account): Promise<void>;
  /** All accounts, to be compared with those at the end. */
  look(customer: Account): Promise<Balances>;
  /** @returns the block of the deposit. */
  deposit(account: Account): Promise<bigint>;
  /** Has wallets deposit that have too little in the vault. @returns the block of the last deposit. */
  depositWhereLow(accounts: readonly Account[]): Promise<bigint>;
  /** Waits until what was deposited up to this block may be spent. */
  booked(block: bigint, visitor: Customer): Promise<void>;
  /** Shows a customer who comes with tokens and deposits them. @returns all accounts before that. */
  arrive(customer: Account, visitor: Customer): Promise<Balances>;
  /** Settles what the customer owes, has the provider fetch what he earned, and shows what everybody has. */
  settle(visit: { customer: Account; visitor: Customer; providerId: string; before: Balances }): Promise<void>;
}

export function onChain(site: ChainSite, dataDir: string, { step }: Steps): OnChain {
  const chain = chainClient(site);
  const { send } = chain;
  const [vault, token] = [vaultContract(), tokenContract()];
  const owners = machines.map(({ providerId }) => ownerWallet(dataDir, providerId).account);
  const read = <T>(name: string, args: readonly unknown[] = []) => chain.read<T>(site.vault, vault, name, args);
  const tokensIn = (account: Account) => chain.read<bigint>(site.token, token, 'balanceOf', [account.address]);

  return {
    async fill(account) {
      const has = await tokensIn(account);
      await fundWallet(site, roleAccount(dataDir, 'admin'), account.address, has < purse ? purse - has : 1n);
    },

    async look(customer) {
      const payees = owners.map(({ address }) => address);
      return await readBalances(chain, site, { wallets: [customer.address, ...payees], payees });
    },

    async deposit(account) {
      const [balance, spent] = await read<bigint[]>('customers', [account.address]);
      const cap = balance! + spent! + deposited;
      await send(account, site.token, token, 'approve', [site.vault, deposited]);
      return (await send(account, site.vault, vault, 'deposit', [account.address, deposited, cap])).blockNumber;
    },

    async depositWhereLow(accounts) {
      let last = 0n;
      for (const account of accounts) {
        const [balance] = await read<bigint[]>('customers', [account.address]);
        if (balance! >= enough) continue;
        await this.fill(account);
        last = await this.deposit(account);
      }
      return last;
    },

    booked: (block, visitor) =>
      until('the deposit is booked', async () => ((await visitor.readBlock()) ?? -1) >= Number(block)),

    async arrive(customer, visitor) {
      const before = await step('the customer gets test tokens, and coins for gas', async (note) => {
        await this.fill(customer);
        note(`token ${site.token}`);
        return await this.look(customer);
      });
      await step('the customer deposits them in the vault', async (note) => {
        const block = await this.deposit(customer);
        note(`${tokensOf(deposited)} tokens, of which the broker may draw as much as jobs cost`);
        note(`vault ${site.vault}`);
        await this.booked(block, visitor);
        note(`block ${block} is final, and the broker has booked it`);
      });
      return before;
    },

    async settle({ customer, visitor, providerId, before }) {
      const provider = ownerWallet(dataDir, providerId).account;
      const begin = () => beginSettlement(site);
      const number = await step('a settlement is proposed on the chain', async (note) => {
        const last = await read<bigint>('proposed');
        await until('a settlement is proposed', async () => (await read<bigint>('proposed')) > last, begin);
        const [hash] = await read<[string]>('batches', [last + 1n]);
        note(`number ${last + 1n}, with the totals of all wallets: ${hash.slice(0, 18)}…`);
        note(`for ${await read<bigint>('batchDelay')} s everybody can check it, and the guardian can veto it`);
        return last + 1n;
      });
      await step('the guardian recomputes it from what the broker has signed', async (note) => {
        note(await guardiansWords(site, dataDir, number));
      });
      await step('it is executed, and the broker books it', async (note) => {
        await until('the settlement is executed', async () => (await read<bigint>('lastExecuted')) >= number);
        const isDrawn = async () => {
          const [there] = await read<bigint[]>('customers', [customer.address]);
          return there === (await visitor.balance()) / scale;
        };
        // Where something of an earlier start was under way, the job is in the next one.
        await until('all that was charged is drawn', isDrawn, begin);
        await this.booked(await chain.client.getBlockNumber(), visitor);
        note('what the vault has for the customer is what the broker’s ledger says');
      });
      await step('the provider withdraws what the job earned', async (note) => {
        await chain.fund(provider.address);
        const had = await tokensIn(provider);
        await send(provider, site.vault, vault, 'withdrawEarnings', [provider.address]);
        note(`${tokensOf((await tokensIn(provider)) - had)} tokens for ${providerId}, to its owner’s wallet`);
      });
      await step('the money is counted', async (note) => {
        const after = await this.look(customer);
        const rows = rowsOf(before, after, { customer: customer.address, provider: provider.address });
        for (const line of ['', ...moneyTable(rows, tokenDecimals), '']) note(line);
        note('It adds up to the unit, and the vault holds what it owes.');
        const grown = (who: string) =>
          rows.filter(({ name }) => name.startsWith(who)).reduce((sum, row) => sum + row.after - row.before, 0n);
        const [cost, earned, fee] = [-grown('customer'), grown('provider'), grown('treasury')];
        // Other jobs of an earlier start may be in it.
        if (cost === earned + fee)
          note(`The job cost ${tokensOf(cost)}: ${tokensOf(earned)} for the provider, ${tokensOf(fee)} fee.`);
      });
    },
  };
}

/**
 * What the guardian found of a settlement, once it has decided.
 *
 * @throws Error with its reasons where it vetoes
 */
async function guardiansWords({ chain_id, vault }: ChainSite, dataDir: string, number: bigint): Promise<string> {
  const of = { dataDir: guardianFolder(dataDir), chainId: Number(chain_id), vault: vault as Address };
  let found: Decision | undefined;
  await until('the guardian has decided', async () => {
    const { decisions, unchecked } = openMemory(of).now;
    found = decisions.find((each) => each.number === Number(number));
    return found !== undefined || unchecked.includes(Number(number));
  });
  if (found?.verdict === 'vetoed') throw new Error(`the guardian vetoes it: ${found.reasons.join('; ')}`);
  return found === undefined
    ? 'this machine is too busy: it was executed before the guardian had looked'
    : `the guardian says: settlement ${number} is explained to the unit`;
}

/** The broker settles once a day; an operator who cannot wait does this. If one is under way, nothing else begins. */
async function beginSettlement({ temporal, temporal_namespace: namespace }: ChainSite): Promise<void> {
  const connection = await Connection.connect({ address: temporal! });
  try {
    const client = new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
    await client.schedule.getHandle('settlement').trigger(ScheduleOverlapPolicy.SKIP);
  } finally {
    await connection.close();
  }
}

/** Polls, and now and then does what may help. */
async function until(what: string, isSo: () => Promise<boolean>, help?: () => Promise<void>): Promise<void> {
  const began = Date.now();
  for (let helpedAt = 0; !(await isSo()); await sleep(400)) {
    if (Date.now() - began > 180_000) {
      throw new Error(`after three minutes still not so: ${what}. Temporal’s UI says what the settlement waits for`);
    }
    if (help !== undefined && Date.now() - helpedAt > 10_000) {
      await help();
      helpedAt = Date.now();
    }
  }
}
