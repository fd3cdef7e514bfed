import type { Eip1193Provider } from '../connect/wallets.js';
import { eventFor, isEventOf, type Action, type VaultPlace } from './actions.js';
import type { Look } from './fate.js';
import { addressWord, callOf, numberWord, wordsOf } from './words32.js';

/** The chain as the wallet's own node has it: nobody asks a node that the broker chose. */
export interface ChainReads {
  chainId(): Promise<number>;
  block(): Promise<number>;
  /** @param at `latest`: in blocks; `pending`: those that wait, too. */
  nonce(wallet: string, at: 'latest' | 'pending'): Promise<number>;
  balance(token: string, wallet: string): Promise<bigint>;
  allowance(token: string, wallet: string, spender: string): Promise<bigint>;
  customer(vault: string, wallet: string): Promise<VaultCustomer>;
  payee(vault: string, wallet: string): Promise<{ credited: bigint; withdrawn: bigint }>;
  /** Seconds between the request of an exit and the exit. */
  exitDelayS(vault: string): Promise<number>;
  settlement(vault: string, number: number): Promise<{ hash: string; executableAtS: number; lastExecuted: number }>;
  look(kept: { hash?: string; fromBlock: number; action: Action }, wallet: string, place: VaultPlace): Promise<Found>;
}

/** In units of the token. */
export interface VaultCustomer {
  balance: bigint;
  spent: bigint;
  cap: bigint;
  exitAtS: number;
  withdrawn: bigint;
}

/** What a look finds; the nonce of the transaction, too, if the node has it. */
export type Found = Pick<Look, 'receipt' | 'isKnown' | 'nonce' | 'event'> & { nonceOf?: number };

export const reads = {
  balanceOf: '0x70a08231',
  allowance: '0xdd62ed3e',
  customers: '0x336989ae',
  payees: '0x310441fa',
  batches: '0x8232e389',
  lastExecuted: '0x1c15ff77',
  exitDelay: '0x28388630',
} as const;

/** A node answered something that no chain says. */
export class NodeRefusal extends Error {
  override readonly name = 'NodeRefusal';
}

export function chainReads(provider: Eip1193Provider): ChainReads {
  const request = async (method: string, ...params: unknown[]) => await provider.request({ method, params });
  const number = async (method: string, ...params: unknown[]) => numberOf(await request(method, ...params));
  const read = async (to: string, data: string, count: number) => {
    const words = wordsOf(await request('eth_call', { to, data }, 'latest'));
    if (words === undefined || words.length !== count)
      throw new NodeRefusal('Your wallet’s node knows no such contract. Is your wallet on the right chain?');
    return words;
  };
  return {
    chainId: () => number('eth_chainId'),
    block: () => number('eth_blockNumber'),
    nonce: (wallet, at) => number('eth_getTransactionCount', wallet, at),
    balance: async (token, wallet) => (await read(token, callOf(reads.balanceOf, addressWord(wallet)), 1))[0]!,
    allowance: async (token, wallet, spender) =>
      (await read(token, callOf(reads.allowance, addressWord(wallet), addressWord(spender)), 1))[0]!,
    async customer(vault, wallet) {
      const words = await read(vault, callOf(reads.customers, addressWord(wallet)), 5);
      const [balance, spent, cap, exitAt, withdrawn] = words as [bigint, bigint, bigint, bigint, bigint];
      return { balance, spent, cap, exitAtS: Number(exitAt), withdrawn };
    },
    async payee(vault, wallet) {
      const [credited, withdrawn] = await read(vault, callOf(reads.payees, addressWord(wallet)), 2);
      return { credited: credited!, withdrawn: withdrawn! };
    },
    exitDelayS: async (vault) => Number((await read(vault, reads.exitDelay, 1))[0]),
    async settlement(vault, at) {
      const [hash, executableAt] = await read(vault, callOf(reads.batches, numberWord(at)), 3);
      const [lastExecuted] = await read(vault, reads.lastExecuted, 1);
      return {
        hash: `0x${numberWord(hash!)}`,
        executableAtS: Number(executableAt),
        lastExecuted: Number(lastExecuted),
      };
    },
    async look({ hash, fromBlock, action }, wallet, place) {
      const ofHash = async (method: string) => (hash === undefined ? null : await request(method, hash));
      const [receipt, sent, nonce, logs] = await Promise.all([
        ofHash('eth_getTransactionReceipt'),
        ofHash('eth_getTransactionByHash'),
        number('eth_getTransactionCount', wallet, 'latest'),
        request('eth_getLogs', filterOf(action, wallet, place, fromBlock)),
      ]);
      const event = firstEvent(logs, action);
      const transaction = sent as { nonce?: unknown } | null;
      return {
        nonce,
        isKnown: transaction !== null,
        ...(transaction?.nonce === undefined ? {} : { nonceOf: numberOf(transaction.nonce) }),
        ...(receipt === null || receipt === undefined ? {} : { receipt: receiptOf(receipt) }),
        ...(event === undefined ? {} : { event }),
      };
    },
  };
}

const filterOf = (action: Action, wallet: string, place: VaultPlace, fromBlock: number) => ({
  ...eventFor(action, wallet, place),
  fromBlock: `0x${fromBlock.toString(16)}`,
  toBlock: 'latest',
});

function firstEvent(logs: unknown, action: Action): { hash: string; block: number } | undefined {
  if (!Array.isArray(logs)) throw new NodeRefusal('Your wallet’s node answered no list of events.');
  for (const log of logs as { data?: unknown; transactionHash?: unknown; blockNumber?: unknown }[]) {
    const { transactionHash: hash } = log;
    if (isHash(hash) && isEventOf(action, wordsOf(log.data) ?? [])) return { hash, block: numberOf(log.blockNumber) };
  }
  return undefined;
}

function receiptOf(receipt: unknown): { isDone: boolean; block: number } {
  const { status, blockNumber } = receipt as { status?: unknown; blockNumber?: unknown };
  return { isDone: numberOf(status) === 1, block: numberOf(blockNumber) };
}

export const isHash = (value: unknown): value is string =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{64}$/.test(value);

function numberOf(value: unknown): number {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < 0)
    throw new NodeRefusal('Your wallet’s node answered something that is no number.');
  return number;
}
