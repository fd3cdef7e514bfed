import { readFileSync } from 'node:fs';
import { isHex, type Address } from 'viem';
import { z } from 'zod';
import type { NodeKeyAuthorization } from './signer.js';
import { readDelegation } from '../auth/providers/entry-signature.js';
import { address } from '../auth/shapes.js';
import type { ProviderRegistration } from '../wire/provider-typed-data.js';

/** A delegation as its file has it, and what it says. */
export interface Delegation {
  authorization: NodeKeyAuthorization;
  message: ProviderRegistration;
  /** The broker's key, where the owner's program has written it beside the signature. */
  brokerKey?: Address;
}

const fileSchema = z.object({
  reg: z.string(),
  regsig: z.string().refine((text) => isHex(text)),
  broker_key: address.optional(),
});

/**
 * Reads a delegation from a file and looks whether it can be used here; whether its wallet really signed it, the broker
 * decides.
 *
 * @returns a sentence for the owner when it cannot be used.
 */
export function readDelegationFile(
  file: string,
  expected: { nodeKey: string; providerId?: string; nowMs?: number },
): Delegation | string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${file} is not there`;
    return `${file} cannot be read: ${(error as Error).message}`;
  }
  const read = parse(text);
  const message = read && readDelegation(read.reg);
  if (read === undefined || message === undefined) return `${file} holds no delegation`;
  const { broker_key: brokerKey, ...authorization } = read;
  const { providerId, nodeKey, expiresAt } = message;
  if (nodeKey !== expected.nodeKey.toLowerCase()) return `${file} is about another key than the one of this machine`;
  if (expected.providerId !== undefined && providerId !== expected.providerId)
    return `${file} is about the provider ${providerId}, not ${expected.providerId}`;
  if (expiresAt * 1_000 <= (expected.nowMs ?? Date.now()))
    return `${file} expired on ${new Date(expiresAt * 1_000).toISOString().slice(0, 10)}`;
  return { authorization, message, ...(brokerKey === undefined ? {} : { brokerKey }) };
}

function parse(text: string): z.output<typeof fileSchema> | undefined {
  try {
    return fileSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
