import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFunctionData, erc20Abi, keccak256, type Address, type Hex, type PrivateKeyAccount } from 'viem';
import { rentalVaultAbi } from '../../../src/chain/rental-vault-abi.js';
import { finality, mintAbi, type ChainSite } from './site.js';

/** Calls of one account, one after the other, each made once and then pushed until it is final. */
export interface ChainWallet {
  account: PrivateKeyAccount;
  /** The address in lower case, as the broker writes it. */
  address: Address;
  /** @returns whether the contract accepted it. */
  send(call: { to: Address; data: Hex }): Promise<boolean>;
}

const abi = [...rentalVaultAbi, ...erc20Abi, ...mintAbi] as const;

export const callOf = (to: Address, functionName: string, args: readonly unknown[]) => ({
  to,
  data: encodeFunctionData({ abi, functionName: functionName, args: args as never }),
});

const everyMs = 300;
/** A transaction that is not mined after this was rolled back, or its node forgot it. */
const resendAfterMs = 2_500;

export function chainWallet(
  { anvil, chainId, height }: ChainSite,
  account: PrivateKeyAccount,
  ended: AbortSignal,
): ChainWallet {
  const { client } = anvil;
  let next: number | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function push(call: { to: Address; data: Hex }): Promise<boolean> {
    next ??= await client.getTransactionCount({ address: account.address });
    const nonce = next++;
    const fees = { maxFeePerGas: 50_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };
    const raw = await account.signTransaction({ ...call, type: 'eip1559', chainId, nonce, gas: 400_000n, ...fees });
    const hash = keccak256(raw);
    for (let sentMs = 0; !ended.aborted; await sleep(everyMs)) {
      const receipt = await client.getTransactionReceipt({ hash }).catch(() => undefined);
      if (receipt !== undefined) {
        if (Number(receipt.blockNumber) + finality <= (await height())) return receipt.status === 'success';
        continue;
      }
      if (Date.now() - sentMs < resendAfterMs) continue;
      sentMs = Date.now();
      // A rollback may have taken its coins away.
      if ((await client.getBalance({ address: account.address })) < 10n ** 18n)
        await client.setBalance({ address: account.address, value: 10n ** 21n });
      await client.sendRawTransaction({ serializedTransaction: raw }).catch(() => undefined);
    }
    throw new Error('the run ended before a transaction was final');
  }

  return {
    account,
    address: account.address.toLowerCase() as Address,
    send(call) {
      const sent = last.then(() => push(call));
      last = sent.catch(() => undefined);
      return sent;
    },
  };
}
