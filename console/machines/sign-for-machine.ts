import type { Address, Hex } from 'viem';
import { WalletRefusal } from '../connect/refusal.js';
import { chainOf, connect, sign, switchChain, type Wallet } from '../connect/wallets.js';
import { shortAddress } from '../parts/words.js';
import { providerToSign } from '../sign/proposal.js';
import { delegationOf, newNonce, type SignedDelegation } from './delegation.js';

export interface ToAllow {
  providerId: string;
  /** The address of the machine's key. */
  nodeKey: Address;
  validForS: number;
  /** The only wallet that may sign: the one that is to be paid. */
  owner: string;
  /** The broker that it is for. */
  audience: string;
  /** Chains that the broker accepts; the wallet's own is taken if it is among them. */
  chainIds: readonly number[];
  /** Unix seconds, by the clock of the broker. */
  nowS: number;
}

/**
 * Has a wallet sign that a machine's key may speak for a provider.
 *
 * @throws WalletRefusal with a sentence for the person at the screen.
 */
export async function signForMachine(wallet: Wallet, asked: ToAllow, signal: AbortSignal): Promise<SignedDelegation> {
  const account = await connect(wallet, signal);
  if (account !== asked.owner.toLowerCase()) {
    throw new WalletRefusal(
      `${wallet.name} offers the account ${shortAddress(account)}, and you are here as ${shortAddress(asked.owner)}. Choose that account in the wallet, then try again. Nothing was signed.`,
    );
  }
  const current = await chainOf(wallet, signal);
  const isAccepted = current !== undefined && asked.chainIds.includes(current);
  const chainId = (isAccepted ? current : asked.chainIds[0]) ?? current ?? 1;
  if (chainId !== current) await switchChain(wallet, chainId, signal);
  const { providerId, nodeKey, validForS, audience, nowS } = asked;
  const request = { kind: 'provider', code: '', providerId, nodeKey, validForS } as const;
  const { typedData } = providerToSign(request, { wallet: account, chainId, audience, nowS }, newNonce());
  const signature: Hex = await sign(wallet, account, typedData, signal);
  return delegationOf(typedData, signature);
}
