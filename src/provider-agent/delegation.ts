import { readFileSync } from 'node:fs';
import { isHex, type Address } from 'viem';
import { z } from 'zod';
import type { NodeKeyAuthorization } from './signer.js';
import type { ProviderRegistration } from '../wire/provider-typed-data.js';
import { readDelegation } from '../wire/node-key-delegation.js';
import { address } from '../wire/shapes.js';

/** A delegation: the signed text from its file, and the parsed message. */
export interface Delegation {
  authorization: NodeKeyAuthorization;
  message: ProviderRegistration;
  /** The broker's key, if `authorize` wrote it beside the signature. */
  brokerKey?: Address;
}

/** What a delegation must be about. */
export interface ExpectedDelegation {
  nodeKey: string;
  providerId?: string | undefined;
  /** The only wallet that may sign; lower case. */
  owner?: string | undefined;
  nowMs?: number;
}

const fileSchema = z.object({
  reg: z.string(),
  regsig: z.string().refine((text) => isHex(text)),
  broker_key: address.optional(),
});

/**
 * Reads a delegation from a file and checks that this machine can use it. The broker, not this function, verifies the
 * wallet's signature.
 *
 * @returns a sentence for the owner when it cannot be used.
 */
export function readDelegationFile(file: string, expected: ExpectedDelegation): Delegation | string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${file} does not exist`;
    return `${file} cannot be read: ${(error as Error).message}`;
  }
  try {
    return usableDelegation(JSON.parse(text), expected, file);
  } catch {
    return `${file} is not a delegation`;
  }
}

/**
 * Checks that this machine can use a delegation, whoever brought it.
 *
 * @param what names it in the sentence for the owner.
 */
export function usableDelegation(value: unknown, expected: ExpectedDelegation, what: string): Delegation | string {
  const read = fileSchema.safeParse(value).data;
  const message = read && readDelegation(read.reg);
  if (read === undefined || message === undefined) return `${what} is not a delegation`;
  const { broker_key: brokerKey, ...authorization } = read;
  const { providerId, nodeKey, wallet, expiresAt } = message;
  if (nodeKey !== expected.nodeKey.toLowerCase()) return `${what} is for another machine's key`;
  if (expected.providerId !== undefined && providerId !== expected.providerId)
    return `${what} is for provider ${providerId}, not ${expected.providerId}`;
  if (expected.owner !== undefined && wallet !== expected.owner)
    return `${what} is of the wallet ${wallet}, not of ${expected.owner}`;
  if (expiresAt * 1_000 <= (expected.nowMs ?? Date.now()))
    return `${what} expired on ${new Date(expiresAt * 1_000).toISOString().slice(0, 10)}`;
  return { authorization, message, ...(brokerKey === undefined ? {} : { brokerKey }) };
}
