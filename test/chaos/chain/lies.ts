import { encodeEventTopics, decodeFunctionData, pad, toHex, type Address, type Hex } from 'viem';
import { rentalVaultAbi } from '../../../src/chain/rental-vault-abi.js';
import type { Random } from '../../support/random.js';
import type { AskedOfChain, Fault } from '../../support/rpc-proxy.js';

/** What a node says that is not so. */
export interface Lie {
  name: LieName;
  of(asked: AskedOfChain, told: () => void): Fault;
  /** Whether the broker has to raise an alarm once it was told. What nobody believes needs none. */
  isAlarming: boolean;
}

export const lieNames = [
  ...(['deposit made up', 'deposit hidden', 'deposit raised', 'block changed'] as const),
  ...(['balances raised', 'withdrawals hidden', 'far behind', 'receipts hidden', 'receipts reverted'] as const),
] as const;
export type LieName = (typeof lieNames)[number];

interface Log {
  topics: Hex[];
  data: Hex;
  logIndex: Hex;
  transactionHash: Hex;
}

const [depositedTopic] = encodeEventTopics({ abi: rentalVaultAbi, eventName: 'Deposited' });
const isDeposit = ({ topics }: Log) => topics[0] === depositedTopic;

/** A lie about a vault. `victim` is a wallet that never deposits anything: whatever it has is made up. */
export function lieOf(
  name: LieName,
  { vault, victim, random }: { vault: Address; victim: Address; random: Random },
): Lie {
  const isAlarming = ['deposit made up', 'deposit raised', 'block changed'].includes(name);
  const lie = (of: Lie['of']): Lie => ({ name, isAlarming, of });
  const changed = (
    asked: AskedOfChain,
    method: string,
    told: () => void,
    change: (result: never) => unknown,
  ): Fault => {
    if (asked.method !== method) return 'pass';
    return {
      change(result) {
        const other = change(result as never);
        if (JSON.stringify(other) !== JSON.stringify(result)) told();
        return other;
      },
    };
  };
  const customers = (asked: AskedOfChain, told: () => void, word: number, change: (was: bigint) => bigint): Fault =>
    isAskedForCustomer(asked, vault)
      ? changed(asked, 'eth_call', told, (result: Hex) => withWord(result, word, change))
      : 'pass';
  switch (name) {
    case 'deposit made up':
      return lie((asked, told) => {
        if (asked.method !== 'eth_getLogs')
          return customers(
            asked,
            () => undefined,
            0,
            (was) => was + made,
          );
        return changed(asked, 'eth_getLogs', told, (logs: Log[]) => [
          ...logs,
          madeUp(asked, { vault, victim, random }),
        ]);
      });
    case 'deposit hidden':
      return lie((asked, told) =>
        changed(asked, 'eth_getLogs', told, (logs: Log[]) => logs.filter((log) => !isDeposit(log))),
      );
    case 'deposit raised':
      return lie((asked, told) =>
        changed(asked, 'eth_getLogs', told, (logs: Log[]) =>
          logs.map((log) => (isDeposit(log) ? { ...log, data: withWord(log.data, 0, (was) => was * 2n) } : log)),
        ),
      );
    case 'block changed':
      return lie((asked, told) =>
        changed(asked, 'eth_getBlockByNumber', told, (block: { hash: Hex } | null) =>
          block === null ? null : { ...block, hash: toHex(random.whole(1, 2 ** 31), { size: 32 }) },
        ),
      );
    case 'balances raised':
      return lie((asked, told) => customers(asked, told, 0, (was) => was + made));
    case 'withdrawals hidden':
      return lie((asked, told) => customers(asked, told, 4, () => 0n));
    case 'far behind':
      return lie((asked, told) =>
        changed(asked, 'eth_blockNumber', told, (height: Hex) =>
          toHex(Math.max(0, Number(height) - random.whole(3, 12))),
        ),
      );
    case 'receipts hidden':
      return lie((asked, told) => changed(asked, 'eth_getTransactionReceipt', told, () => null));
    case 'receipts reverted':
      return lie((asked, told) =>
        changed(asked, 'eth_getTransactionReceipt', told, (receipt: object | null) =>
          receipt === null ? null : { ...receipt, status: '0x0' },
        ),
      );
  }
}

/** Units of the token. */
const made = 10n ** 9n;

function isAskedForCustomer({ method, params }: AskedOfChain, vault: Address): boolean {
  const { to, data } = (params[0] ?? {}) as { to?: string; data?: Hex };
  if (method !== 'eth_call' || to?.toLowerCase() !== vault || data === undefined) return false;
  try {
    return decodeFunctionData({ abi: rentalVaultAbi, data }).functionName === 'customers';
  } catch {
    return false;
  }
}

/** A result of a call, or the data of an event, with another word. */
function withWord(data: Hex, index: number, change: (was: bigint) => bigint): Hex {
  const [from, to] = [2 + 64 * index, 2 + 64 * (index + 1)];
  if (data.length < to) return data;
  const word = toHex(change(BigInt(`0x${data.slice(from, to)}`)), { size: 32 }).slice(2);
  return `${data.slice(0, from)}${word}${data.slice(to)}` as Hex;
}

/** In the last block that was asked for, so that whatever is read next comes after it. */
function madeUp(
  { params }: AskedOfChain,
  { vault, victim, random }: { vault: Address; victim: Address; random: Random },
) {
  const { toBlock } = params[0] as { toBlock: Hex };
  const hash = () => toHex(random.whole(1, 2 ** 31), { size: 32 });
  return {
    ...{ address: vault, blockNumber: toBlock, blockHash: hash(), transactionHash: hash() },
    ...{ transactionIndex: '0x0', logIndex: '0x63', removed: false, data: toHex(made, { size: 32 }) },
    topics: [depositedTopic, pad(victim), pad(victim)],
  };
}
