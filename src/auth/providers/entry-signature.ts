import type { Address, Hex } from 'viem';
import { ownerSignatureProblem, signatureFormProblem } from '../signature-form.js';
import { type EntrySignature, requiredFields, signatureFields } from '../../wire/entry-signature.js';

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
  const missing = requiredFields.filter((name) => fields[name] === undefined);
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
  const delegationProblem = ownerSignatureProblem(regsig);
  if (delegationProblem !== undefined) return `regsig: ${delegationProblem}`;
  return { ...signature, delegation: { reg, regsig: regsig as Hex } };
}
