import type { Address } from 'viem';
import type { VaultState } from '../domain/settlement-step.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import type { Rpc } from './rpc.js';

/** What the vault says of a settlement at one block. */
export async function vaultState({ client }: Rpc, vault: Address, number: number, block: bigint): Promise<VaultState> {
  const at = { address: vault, abi: rentalVaultAbi, blockNumber: block } as const;
  const [{ timestamp }, proposed, lastExecuted, operator, pausedUntil, batch] = await Promise.all([
    client.getBlock({ blockNumber: block }),
    client.readContract({ ...at, functionName: 'proposed' }),
    client.readContract({ ...at, functionName: 'lastExecuted' }),
    client.readContract({ ...at, functionName: 'operator' }),
    client.readContract({ ...at, functionName: 'pausedUntil' }),
    client.readContract({ ...at, functionName: 'batches', args: [BigInt(number)] }),
  ]);
  const [hash, executableAt, proposer] = batch;
  return {
    timeS: Number(timestamp),
    proposed: Number(proposed),
    lastExecuted: Number(lastExecuted),
    operator,
    pausedUntilS: Number(pausedUntil),
    batch: { hash, executableAtS: Number(executableAt), proposer },
  };
}
