import { z } from 'zod';
import { printableText } from '../domain/printable.js';
import { address, bytes32, baseUnits, unixSeconds } from '../wire/shapes.js';
import { scopes } from '../wire/scopes.js';

export const scopeList = z.array(z.enum(scopes)).min(1).max(scopes.length);

export const label = printableText(64);

export const delegationMessage = z.strictObject({
  wallet: address,
  sessionKey: address,
  audience: z.string().max(512),
  statement: z.string().max(512),
  scopes: z.string().max(256),
  spendLimit: baseUnits,
  issuedAt: unixSeconds,
  expiresAt: unixSeconds,
  nonce: bytes32,
});

export const revocationMessage = z.strictObject({
  wallet: address,
  sessionKey: address,
  audience: z.string().max(512),
  issuedAt: unixSeconds,
  nonce: bytes32,
});
