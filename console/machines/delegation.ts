import type { Hex } from 'viem';
import type { ProviderRegistration } from '../../src/wire/provider-typed-data.js';

/** What an owner has signed: for the machine, which fetches it, and for a claim. */
export interface SignedDelegation {
  message: ProviderRegistration;
  signature: Hex;
  /** As the API takes it: the text of `reg` is kept as it is. */
  delegation: { reg: string; regsig: string };
}

/** The members in the order in which the agent writes them. */
export function delegationOf(typedData: object, signature: Hex): SignedDelegation {
  const { message } = typedData as { message: ProviderRegistration };
  const { providerId, wallet, nodeKey, specHash, audience, issuedAt, expiresAt, nonce } = message;
  const reg = JSON.stringify({ providerId, wallet, nodeKey, specHash, audience, issuedAt, expiresAt, nonce });
  return { message, signature, delegation: { reg, regsig: signature } };
}

export function newNonce(): Hex {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** The key's address in what a person has pasted: the address alone, or the whole line that the agent prints. */
export function nodeKeyIn(pasted: string): `0x${string}` | undefined {
  const found = [...pasted.matchAll(/(?<![0-9a-zA-Z])0x[0-9a-fA-F]{40}(?![0-9a-zA-Z])/g)].map(([address]) =>
    address.toLowerCase(),
  );
  return new Set(found).size === 1 ? (found[0] as `0x${string}`) : undefined;
}

/** What is wrong with what was pasted as a machine's key; undefined if nothing is. */
export function nodeKeyProblem(pasted: string): string | undefined {
  if (nodeKeyIn(pasted) !== undefined) return undefined;
  if (/(?<![0-9a-fA-F])(?:0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])/.test(pasted)) {
    return 'That is a private key. Paste it nowhere. What is wanted is the address that the agent prints: 0x and 40 digits.';
  }
  return 'Paste the address that the agent prints: 0x and 40 digits.';
}

export const longestDays = 90;

/** What is wrong with a number of days; undefined if nothing is. */
export function daysProblem(text: string): string | undefined {
  return /^[1-9]\d?$/.test(text.trim()) && Number(text) <= longestDays
    ? undefined
    : `Use 1 to ${longestDays} days: after that, one signs again.`;
}
