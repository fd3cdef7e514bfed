import { z } from 'zod';
import type { ProviderRegistration } from './provider-typed-data.js';
import { address, bytes32, unixSeconds } from './shapes.js';

/** The delegation's JSON; integers may be numbers or decimal strings. */
export const providerRegistrationMessage = z.strictObject({
  providerId: z.string().max(64),
  wallet: address,
  nodeKey: address,
  specHash: bytes32,
  audience: z.string().max(512),
  issuedAt: unixSeconds,
  expiresAt: unixSeconds,
  nonce: bytes32,
});

/** Several times what a delegation needs. */
const maxDelegationLength = 4_096;

/** Parses `reg`; `undefined` if it is not a delegation. */
export function readDelegation(reg: string): ProviderRegistration | undefined {
  if (reg.length > maxDelegationLength) return undefined;
  try {
    return providerRegistrationMessage.safeParse(JSON.parse(reg)).data;
  } catch {
    return undefined;
  }
}

/** The longest time a node key may speak for a provider before its owner must sign again. */
export const maxDelegationS = 90 * 86_400;
