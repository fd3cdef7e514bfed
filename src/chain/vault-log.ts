import { decodeEventLog, type Address, type Hex } from 'viem';
import type { VaultEvent } from '../db/vault-events.js';
import { BrokerError } from '../domain/errors.js';
import { sideBySide } from '../side-by-side.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { asChainError, askChain, NodesDisagree, type Rpc } from './rpc.js';

/** Blocks from one to another, both included. */
export interface BlockRange {
  from: number;
  to: number;
}

/** Of one block, when its events cannot be asked for at once. */
const receiptsAtOnce = 8;

/** Events of the vault in a range of blocks, as one node has them, in order. */
export async function vaultEvents(
  { client, host }: Rpc,
  vault: Address,
  { from, to }: BlockRange,
): Promise<VaultEvent[]> {
  const logs = await client.getLogs({ address: vault, fromBlock: BigInt(from), toBlock: BigInt(to) });
  const events = logs.map((log): VaultEvent => {
    const block = Number(log.blockNumber);
    const isAsked = log.address.toLowerCase() === vault && block >= from && block <= to && !log.removed;
    if (!isAsked) throw new NodesDisagree(`events: ${host} answers with some that it was not asked for`);
    return eventOf(log, host);
  });
  return inOrder(events);
}

/**
 * The same of one block, whatever anybody puts into it. Nodes refuse answers that are too long, and a block cannot be
 * halved: then the receipts of its transactions are read one by one, which are as short as a transaction is.
 *
 * @throws BrokerError `dependency_unavailable` when the node gives neither.
 */
export async function eventsOfBlock(
  rpc: Rpc,
  vault: Address,
  block: number,
  bound: ReadBound = unbounded,
): Promise<VaultEvent[]> {
  try {
    return await vaultEvents(rpc, vault, { from: block, to: block });
  } catch (error) {
    if (error instanceof NodesDisagree) throw error;
    return await eventsByReceipts(rpc, vault, block, bound);
  }
}

async function eventsByReceipts(
  { client, host }: Rpc,
  vault: Address,
  block: number,
  bound: ReadBound,
): Promise<VaultEvent[]> {
  const events: VaultEvent[] = [];
  const { hash: blockHash, transactions } = await client.getBlock({ blockNumber: BigInt(block) });
  const failed = await sideBySide(transactions, receiptsAtOnce, async (hash) => {
    mustGoOn(bound);
    const receipt = await client.getTransactionReceipt({ hash });
    const isAsked = receipt.blockHash === blockHash && receipt.transactionHash === hash;
    if (!isAsked) throw new NodesDisagree(`events: ${host} answers with a receipt of another block`);
    for (const log of receipt.logs) if (log.address.toLowerCase() === vault) events.push(eventOf(log, host));
  });
  const failure = failed.find(({ error }) => error instanceof NodesDisagree) ?? failed[0];
  if (failure !== undefined) throw failure.error;
  return inOrder(events);
}

/** How much is read of what anybody can make long. */
interface ReadBound {
  untilMs: number;
  /** Events. */
  left: number;
}

const unbounded: ReadBound = { untilMs: Infinity, left: Infinity };

function mustGoOn({ untilMs, left }: ReadBound): void {
  if (left < 0) throw new BrokerError('dependency_unavailable', 'the vault has too many events to be read');
  if (Date.now() > untilMs) throw new BrokerError('dependency_unavailable', 'it takes too long to read events');
}

/**
 * All events of a range, halved as often as the node asks for it.
 *
 * @throws BrokerError `dependency_unavailable` when it does not say those of a single block, or they are more than the bound.
 */
export async function eventsInParts(
  rpc: Rpc,
  vault: Address,
  range: BlockRange,
  { untilMs, left }: ReadBound,
): Promise<VaultEvent[]> {
  const bound = { untilMs, left };
  const found: VaultEvent[] = [];
  for (const parts = [range]; parts.length > 0; mustGoOn(bound)) {
    const part = parts.pop()!;
    const events = await eventsOrNothing(rpc, vault, part, bound);
    if (events === undefined) {
      const middle = part.from + Math.floor((part.to - part.from) / 2);
      parts.push({ from: middle + 1, to: part.to }, { from: part.from, to: middle });
      continue;
    }
    bound.left -= events.length;
    if (bound.left >= 0) found.push(...events);
  }
  return found;
}

/** @returns undefined when the node wants to be asked for less. */
async function eventsOrNothing(rpc: Rpc, vault: Address, { from, to }: BlockRange, bound: ReadBound) {
  try {
    return from === to ? await eventsOfBlock(rpc, vault, from, bound) : await vaultEvents(rpc, vault, { from, to });
  } catch (error) {
    if (error instanceof NodesDisagree) throw error;
    if (from === to) throw unreadable(error, { from, to });
    // A node that is away answers nothing else either: then nothing is gained by halves.
    await askChain(() => rpc.client.getBlockNumber());
    return undefined;
  }
}

/** The failure of a node that could not say the events of some blocks: its own, or its words. */
export function unreadable(thrown: unknown, { from, to }: BlockRange): BrokerError {
  const error = asChainError(thrown);
  if (error instanceof BrokerError) return error;
  const blocks = from === to ? `block ${from}` : `the blocks ${from} to ${to}`;
  const { details, message } = error as { details?: string; message?: string };
  const words = (details ?? message ?? '').slice(0, 200);
  return new BrokerError(
    'dependency_unavailable',
    `a node of the chain does not say the events of ${blocks}: ${words}`,
  );
}

const inOrder = (events: VaultEvent[]) => events.sort((a, b) => a.block - b.block || a.logIndex - b.logIndex);

interface Log {
  data: Hex;
  topics: [] | [Hex, ...Hex[]];
  transactionHash: Hex;
  blockHash: Hex;
  blockNumber: bigint;
  logIndex: number;
}

function eventOf(log: Log, host: string): VaultEvent {
  const { eventName, args } = decoded(log, host);
  const { transactionHash: txHash, blockHash, logIndex } = log;
  return { txHash, logIndex, block: Number(log.blockNumber), blockHash, name: eventName, args };
}

function decoded(log: { data: Hex; topics: [] | [Hex, ...Hex[]] }, host: string) {
  try {
    const { eventName, args } = decodeEventLog({ abi: rentalVaultAbi, data: log.data, topics: log.topics });
    const texts = Object.entries(args ?? {}).map(([name, value]) => [name, String(value)] as const);
    return { eventName, args: Object.fromEntries(texts) };
  } catch {
    throw new NodesDisagree(`events: ${host} answers with one that no vault has`);
  }
}
