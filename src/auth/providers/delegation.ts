import { keccak256, toBytes, zeroAddress, type Hex } from 'viem';
import type { Config } from '../../config.js';
import type { SignedDelegation } from '../../db/provider-binding.js';
import type { ProviderRecord } from '../../db/provider-identities.js';
import { MessageRejected } from '../../domain/provider-rejections.js';
import { noWallet } from '../../domain/registration.js';
import { anySpec, providerRegistrationDigest, type ProviderRegistration } from '../../wire/provider-typed-data.js';
import { maxDelegationS } from '../../wire/node-key-delegation.js';
import type { Recover } from '../../wire/recover.js';
import type { VerifyContractWallet } from '../customers/smart-wallet.js';
import { isOfContract } from '../signature-form.js';

/** How far `issuedAt` may be from a delegation's first use: owners sign on another machine. */
export const firstUseSkewS = 600;

export type ProviderAuthConfig = Pick<Config, 'AUTH_AUDIENCE' | 'AUTH_CHAIN_IDS' | 'PROVIDER_AUTH_MODE'>;

/**
 * Checks a delegation's content and its wallet's signature for one of the accepted chains. The wallet that signed is the
 * one that is paid: an ordinary wallet or, where contract wallets may log in, a contract.
 *
 * @param expected the values that the accompanying message requires; `data` is absent without a message.
 * @throws MessageRejected, ChainAway
 */
export async function verifyDelegation(
  deps: OwnerDeps & { config: ProviderAuthConfig },
  message: ProviderRegistration,
  signature: Hex,
  expected: { providerId: string; nodeKey?: string; data?: string; nowMs: number },
): Promise<SignedDelegation> {
  const { providerId, wallet, nodeKey, specHash, audience, issuedAt, expiresAt, nonce } = message;
  const isAbout =
    providerId === expected.providerId &&
    nodeKey === (expected.nodeKey ?? nodeKey) &&
    audience === deps.config.AUTH_AUDIENCE &&
    wallet !== zeroAddress &&
    nodeKey !== zeroAddress;
  if (!isAbout) throw new MessageRejected('delegation_mismatch');
  const lifeS = expiresAt - issuedAt;
  if (lifeS <= 0 || lifeS > maxDelegationS) throw new MessageRejected('delegation_too_long');
  if (expiresAt * 1000 <= expected.nowMs) throw new MessageRejected('delegation_expired');
  if (expected.data !== undefined) requireSpec(specHash, expected.data);
  const signed = await signedByWallet(deps, message, signature);
  if (signed === undefined) {
    const isForeign = deps.verifyContractWallet === undefined && isOfContract(signature);
    throw new MessageRejected(isForeign ? 'delegation_of_contract' : 'delegation_unsigned');
  }
  return {
    providerId,
    wallet,
    nodeKey,
    specHash,
    nonce,
    ...signed,
    signature,
    issuedAt: new Date(issuedAt * 1000),
    expiresAt: new Date(expiresAt * 1000),
    message,
  };
}

/** What decides whether a wallet signed. */
export interface OwnerDeps {
  config: Pick<Config, 'AUTH_CHAIN_IDS'>;
  recover: Recover;
  /** When absent, contracts cannot own providers. Made by `createContractOwners`. */
  verifyContractWallet?: VerifyContractWallet | undefined;
}

/**
 * The accepted chain for which a delegation's wallet signed it; undefined if there is none. The chain is asked only if no
 * ordinary wallet signed, and only until it has said yes once.
 *
 * @throws ChainAway
 */
export async function signedByWallet(
  { config, recover, verifyContractWallet }: OwnerDeps,
  message: ProviderRegistration,
  signature: Hex,
): Promise<{ chainId: number; digest: Hex } | undefined> {
  for (const chainId of config.AUTH_CHAIN_IDS) {
    const digest = providerRegistrationDigest(message, chainId);
    if ((await recover(digest, signature)) === message.wallet) return { chainId, digest };
  }
  if (verifyContractWallet === undefined) return undefined;
  for (const chainId of config.AUTH_CHAIN_IDS) {
    const digest = providerRegistrationDigest(message, chainId);
    if (await verifyContractWallet(message.wallet, digest, signature, chainId)) return { chainId, digest };
  }
  return undefined;
}

/** @throws MessageRejected when the provider belongs to another wallet than the one that delegates. */
export function requireOwner({ identity, incumbentWallet = noWallet }: ProviderRecord, wallet: string): void {
  if ((identity?.wallet ?? wallet) !== wallet) throw new MessageRejected('other_wallet');
  // A claimed wallet may be replaced by a proven one, unless the provider was already admitted with the claim.
  if (identity === undefined && incumbentWallet !== noWallet && incumbentWallet !== wallet) {
    throw new MessageRejected('other_wallet');
  }
}

/** @throws MessageRejected when a delegation allows only one registration and this is a different one. */
export function requireSpec(specHash: string, data: string): void {
  if (specHash !== anySpec && specHash !== keccak256(toBytes(data))) throw new MessageRejected('spec_pinned');
}

/** When a delegation must have been issued to be used for the first time now. */
export function firstUseWindow(atMs: number): { issuedAfter: Date; issuedBefore: Date } {
  return { issuedAfter: new Date(atMs - firstUseSkewS * 1000), issuedBefore: new Date(atMs + firstUseSkewS * 1000) };
}
