import { createHash } from 'node:crypto';
import { hashMessage, type Address, type Hex } from 'viem';
import { z } from 'zod';
import type { ProviderRegistration } from '../../wire/provider-typed-data.js';
import { address, bytes32, unixSeconds } from '../shapes.js';
import { signatureFormProblem } from '../signature-form.js';

/** Everything a node key signs about a message. */
export interface SignedEntry {
  audience: string;
  /** The base name of the stream, or another word if the message is not an entry. */
  stream: string;
  providerId: string;
  /** As written, because the text is signed. */
  seq: string;
  /** Unix seconds, as written. */
  ts: string;
  /** The exact text of the message; any form of JSON is allowed. */
  data: string;
}

/** The text a node key signs with EIP-191, one item per line. */
export function canonicalEntry({ audience, stream, providerId, seq, ts, data }: SignedEntry): string {
  const dataSha256 = createHash('sha256').update(data, 'utf8').digest('hex');
  return ['WORLDLAND-PROVIDER-V1', audience, stream, providerId, seq, ts, dataSha256].join('\n');
}

export function entryDigest(entry: SignedEntry): Hex {
  return hashMessage(canonicalEntry(entry));
}

/** The fields that a signing provider adds to an entry. The key is in lower case; `seq` and `ts` are as written. */
export interface EntrySignature {
  key: Address;
  seq: string;
  ts: string;
  sig: Hex;
  /** The wallet's delegation: its JSON text, and the wallet's signature. */
  delegation?: { reg: string; regsig: Hex };
}

/** The fields of a signed entry; registrations may have `reg` and `regsig`, both or neither. */
const required = ['v', 'key', 'seq', 'ts', 'sig'] as const;
const optional = ['reg', 'regsig'] as const;
export const signatureFields = [...required, ...optional];

const grammar = {
  v: /^1$/,
  key: /^0x[0-9a-fA-F]{40}$/,
  seq: /^(?:0|[1-9][0-9]{0,15})$/,
  ts: /^[1-9][0-9]{0,11}$/,
};

/**
 * Reads an entry's signature: `undefined` if it has none of the fields, or a sentence about the problem if fields are
 * missing or malformed.
 */
export function readEntrySignature(fields: Readonly<Record<string, string>>): EntrySignature | string | undefined {
  const given = signatureFields.filter((name) => fields[name] !== undefined);
  if (given.length === 0) return undefined;
  const missing = required.filter((name) => fields[name] === undefined);
  if (missing.length > 0) return `a signed message also has ${missing.join(', ')}`;
  for (const name of ['v', 'key', 'seq', 'ts'] as const) {
    if (!grammar[name].test(fields[name]!)) return `${name} has not the form it must have`;
  }
  const { key, seq, ts, sig, reg, regsig } = fields;
  if (!Number.isSafeInteger(Number(seq))) return 'seq must be below 2^53';
  const problem = signatureFormProblem(sig!);
  if (problem !== undefined) return `sig: ${problem}`;
  const signature = { key: key!.toLowerCase() as Address, seq: seq!, ts: ts!, sig: sig as Hex };
  if (reg === undefined && regsig === undefined) return signature;
  if (reg === undefined || regsig === undefined) return 'reg and regsig come together';
  const delegationProblem = signatureFormProblem(regsig);
  if (delegationProblem !== undefined) return `regsig: ${delegationProblem}`;
  return { ...signature, delegation: { reg, regsig: regsig as Hex } };
}

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
