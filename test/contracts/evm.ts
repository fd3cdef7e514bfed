import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { createEVM, type EVM } from '@ethereumjs/evm';
import { bytesToHex, createAddressFromString, hexToBytes } from '@ethereumjs/util';
import {
  decodeErrorResult,
  decodeFunctionResult,
  encodeDeployData,
  encodeFunctionData,
  type Abi,
  type Address,
  type Hex,
} from 'viem';
import type { Contract } from '../../scripts/contracts.js';

/** Of the chain that the EVM makes believe. */
export const evmChainId = 1;

/** How a call ended. */
export type Ending = { error?: undefined; result: Hex } | { error: string; args: readonly unknown[] };

/** An EVM of the level that the contracts are compiled for, in this process, without blocks. */
export interface World {
  deploy(contract: Contract, args: readonly unknown[], atS: number): Promise<Address>;
  /** The error is named as the ABI has it; another one stands there as it came. */
  call(call: { from: Address; to: Address; data: Hex; abi: Abi; atS: number }): Promise<Ending>;
  read<T>(at: Address, abi: Abi, functionName: string, args: readonly unknown[], atS: number): Promise<T>;
  /** A word of a contract's storage. */
  word(at: Address, slot: Hex): Promise<bigint>;
}

/** The name of the error that these data are. */
export function errorName(data: Hex, abi: Abi): string {
  return named('revert', data, abi).error;
}

const nobody: Address = '0x00000000000000000000000000000000000000ff';

export async function createWorld(): Promise<World> {
  const evm = await createEVM({ common: new Common({ chain: Mainnet, hardfork: Hardfork.Paris }) });
  const run = async (from: Address, to: Address | undefined, data: Hex, atS: number) => {
    const { createdAddress, execResult } = await evm.runCall({
      caller: createAddressFromString(from),
      origin: createAddressFromString(from),
      ...(to === undefined ? {} : { to: createAddressFromString(to) }),
      data: hexToBytes(data),
      gasLimit: 30_000_000n,
      block: blockAt(atS),
    });
    // Between transactions nothing is warm any more.
    await evm.journal.cleanup();
    const failed = execResult.exceptionError?.error;
    return { created: createdAddress?.toString(), failed, returned: bytesToHex(execResult.returnValue) };
  };
  return {
    async deploy({ abi, bytecode }, args, atS) {
      const { created, failed, returned } = await run(
        nobody,
        undefined,
        encodeDeployData({ abi, bytecode, args }),
        atS,
      );
      if (failed !== undefined || created === undefined) throw new Error(named(failed, returned, abi).error);
      return created;
    },
    async call({ from, to, data, abi, atS }) {
      const { failed, returned } = await run(from, to, data, atS);
      return failed === undefined ? { result: returned } : named(failed, returned, abi);
    },
    async read<T>(at: Address, abi: Abi, functionName: string, args: readonly unknown[], atS: number) {
      const { failed, returned } = await run(nobody, at, encodeFunctionData({ abi, functionName, args }), atS);
      if (failed !== undefined) throw new Error(`${functionName}: ${named(failed, returned, abi).error}`);
      return decodeFunctionResult({ abi, functionName, data: returned }) as T;
    },
    async word(at, slot) {
      const bytes = await evm.stateManager.getStorage(createAddressFromString(at), hexToBytes(slot));
      return bytes.length === 0 ? 0n : BigInt(bytesToHex(bytes));
    },
  };
}

function named(failed: string | undefined, returned: Hex, abi: Abi): { error: string; args: readonly unknown[] } {
  if (failed !== 'revert' || returned === '0x') return { error: failed ?? 'nothing was created', args: [] };
  try {
    const { errorName, args } = decodeErrorResult({ abi, data: returned });
    return { error: errorName, args: args ?? [] };
  } catch {
    return { error: returned, args: [] };
  }
}

type Block = NonNullable<Parameters<EVM['runCall']>[0]['block']>;

function blockAt(atS: number): Block {
  const header = {
    number: 1n,
    timestamp: BigInt(atS),
    coinbase: createAddressFromString(nobody),
    difficulty: 0n,
    prevRandao: new Uint8Array(32),
    gasLimit: 30_000_000n,
    baseFeePerGas: 1n,
    getBlobGasPrice: () => undefined,
  };
  return { header };
}
