import { keccak256, toBytes, zeroAddress, type Hex } from 'viem';
import type { Config } from '../../config.js';
import type { SignedDelegation } from '../../db/provider-binding.js';
import { MessageRefused } from '../../domain/provider-refusals.js';
import { anySpec, providerRegistrationDigest, type ProviderRegistration } from '../../wire/provider-typed-data.js';
import type { Recover } from '../recover.js';

/** The longest a node key may speak for a provider without its owner signing again. */
export const maxDelegationS = 90 * 86_400;

/** How far `issuedAt` may be from the moment a delegation is first used: owners sign it on another machine. */
export const firstUseSkewS = 600;

export type ProviderAuthConfig = Pick<Config, 'AUTH_AUDIENCE' | 'AUTH_CHAIN_IDS' | 'PROVIDER_AUTH_MODE'>;

/**
 * Checks what a delegation says, and that its wallet signed it for one of the chains that are accepted. An ordinary
 * wallet only: the one that is paid is the one that is recovered from the signature.
 *
 * @param expected what the message that came with it is about; `data` absent where there is none.
 * @throws MessageRefused
 */
export async function verifyDelegation(
  { config, recover }: { config: ProviderAuthConfig; recover: Recover },
  message: ProviderRegistration,
  signature: Hex,
  expected: { providerId: string; nodeKey?: string; data?: string; nowMs: number },
): Promise<SignedDelegation> {
  const { providerId, wallet, nodeKey, specHash, audience, issuedAt, expiresAt, nonce } = message;
  const isAbout =
    providerId === expected.providerId &&
    nodeKey === (expected.nodeKey ?? nodeKey) &&
    audience === config.AUTH_AUDIENCE &&
    wallet !== zeroAddress &&
    nodeKey !== zeroAddress;
  if (!isAbout) throw new MessageRefused('delegation_mismatch');
  const lifeS = expiresAt - issuedAt;
  if (lifeS <= 0 || lifeS > maxDelegationS) throw new MessageRefused('delegation_too_long');
  if (expiresAt * 1000 <= expected.nowMs) throw new MessageRefused('delegation_expired');
  if (expected.data !== undefined) requireSpec(specHash, expected.data);
  const signed = await signedByWallet({ config, recover }, message, signature);
  if (signed === undefined) throw new MessageRefused('delegation_unsigned');
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

/** For which of the chains that are accepted the wallet of a delegation signed it; undefined when for none. */
export async function signedByWallet(
  { config, recover }: { config: Pick<Config, 'AUTH_CHAIN_IDS'>; recover: Recover },
  message: ProviderRegistration,
  signature: Hex,
): Promise<{ chainId: number; digest: Hex } | undefined> {
  for (const chainId of config.AUTH_CHAIN_IDS) {
    const digest = providerRegistrationDigest(message, chainId);
    if ((await recover(digest, signature)) === message.wallet) return { chainId, digest };
  }
  return undefined;
}

/** @throws MessageRefused when a delegation is for one registration and this is another. */
export function requireSpec(specHash: string, data: string): void {
  if (specHash !== anySpec && specHash !== keccak256(toBytes(data))) throw new MessageRefused('spec_pinned');
}

/** When a delegation must have been issued to be used for the first time at some moment. */
export function firstUseWindow(atMs: number): { issuedAfter: Date; issuedBefore: Date } {
  return { issuedAfter: new Date(atMs - firstUseSkewS * 1000), issuedBefore: new Date(atMs + firstUseSkewS * 1000) };
}
