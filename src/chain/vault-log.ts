import { decodeEventLog, type Address, type Hex } from 'viem';
import type { VaultEvent } from '../db/vault-events.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { NodesDisagree, type Rpc } from './rpc.js';

/** Events of the vault in a range of blocks, as one node has them, in order. */
export async function vaultEvents(
  { client, host }: Rpc,
  vault: Address,
  range: { from: number; to: number },
): Promise<VaultEvent[]> {
  const logs = await client.getLogs({ address: vault, fromBlock: BigInt(range.from), toBlock: BigInt(range.to) });
  const events = logs.map((log): VaultEvent => {
    const block = Number(log.blockNumber);
    const isAsked = log.address.toLowerCase() === vault && block >= range.from && block <= range.to && !log.removed;
    if (!isAsked) throw new NodesDisagree(`events: ${host} answers with some that it was not asked for`);
    const { eventName, args } = decoded(log, host);
    const { transactionHash: txHash, blockHash, logIndex } = log;
    return { txHash, logIndex, block, blockHash, name: eventName, args };
  });
  return events.sort((a, b) => a.block - b.block || a.logIndex - b.logIndex);
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
