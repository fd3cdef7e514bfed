import { readFileSync } from 'node:fs';
import { isHex } from 'viem';
import { z } from 'zod';
import type { NodeKeyAuthorization } from '../auth/provider-client.js';
import { readDelegation } from '../auth/provider-signature.js';
import type { ProviderRegistration } from '../auth/provider-typed-data.js';

/** A delegation as its file has it, and what it says. */
export interface Delegation {
  authorization: NodeKeyAuthorization;
  message: ProviderRegistration;
}

const fileSchema = z.object({ reg: z.string(), regsig: z.string().refine((text) => isHex(text)) });

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
  const authorization = parse(text);
  const message = authorization && readDelegation(authorization.reg);
  if (authorization === undefined || message === undefined) return `${file} holds no delegation`;
  const { providerId, nodeKey, expiresAt } = message;
  if (nodeKey !== expected.nodeKey.toLowerCase()) return `${file} is about another key than the one of this machine`;
  if (expected.providerId !== undefined && providerId !== expected.providerId)
    return `${file} is about the provider ${providerId}, not ${expected.providerId}`;
  if (expiresAt * 1_000 <= (expected.nowMs ?? Date.now()))
    return `${file} expired on ${new Date(expiresAt * 1_000).toISOString().slice(0, 10)}`;
  return { authorization, message };
}

function parse(text: string): NodeKeyAuthorization | undefined {
  try {
    return fileSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
