import { parseEventLogs, type Address } from 'viem';
import { rentalVaultAbi } from '../../../src/chain/rental-vault-abi.js';
import type { ChainSite } from './site.js';

/** What the vault's events on the chain say in all, read past the broker's nodes. Amounts are units of the token. */
export interface ChainLog {
  /** `transaction/log`, by which the broker knows them, too. */
  ids: ReadonlySet<string>;
  deposits: { customer: Address; amount: bigint; atMs: number }[];
  withdrawals: { customer: Address; amount: bigint; atMs: number }[];
  earnings: { payee: Address; amount: bigint }[];
  swept: bigint;
  proposed: ReadonlyMap<number, string>;
  executed: { number: number; drawn: bigint; credited: bigint }[];
  vetoed: ReadonlySet<number>;
}

export async function readChainLog({ anvil, vault }: ChainSite, toBlock: bigint): Promise<ChainLog> {
  const logs = await anvil.client.getLogs({ address: vault, fromBlock: 0n, toBlock });
  const events = parseEventLogs({ abi: rentalVaultAbi, logs });
  const times = new Map<bigint, number>();
  for (const { blockNumber } of events)
    if (!times.has(blockNumber))
      times.set(blockNumber, Number((await anvil.client.getBlock({ blockNumber })).timestamp) * 1_000);
  const log = {
    ...{ ids: new Set<string>(), proposed: new Map<number, string>(), vetoed: new Set<number>(), swept: 0n },
    deposits: [] as ChainLog['deposits'],
    withdrawals: [] as ChainLog['withdrawals'],
    earnings: [] as ChainLog['earnings'],
    executed: [] as ChainLog['executed'],
  };
  const lower = (address: Address) => address.toLowerCase() as Address;
  for (const event of events) {
    const { eventName, args, transactionHash, logIndex, blockNumber } = event;
    const atMs = times.get(blockNumber)!;
    log.ids.add(`${transactionHash}/${logIndex}`);
    if (eventName === 'Deposited') log.deposits.push({ customer: lower(args.customer), amount: args.amount, atMs });
    if (eventName === 'Withdrawn') log.withdrawals.push({ customer: lower(args.customer), amount: args.amount, atMs });
    if (eventName === 'EarningsWithdrawn') log.earnings.push({ payee: lower(args.payee), amount: args.amount });
    if (eventName === 'FeesSwept') log.swept += args.amount;
    if (eventName === 'BatchProposed') log.proposed.set(Number(args.number), args.hash);
    if (eventName === 'BatchVetoed') log.vetoed.add(Number(args.number));
    if (eventName === 'BatchExecuted')
      log.executed.push({ number: Number(args.number), drawn: args.drawn, credited: args.credited });
  }
  return log;
}

export const sumOf = (parts: readonly { amount: bigint }[]) => parts.reduce((sum, { amount }) => sum + amount, 0n);
