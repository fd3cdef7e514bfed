import { secp256k1 } from '@noble/curves/secp256k1';
import type { Hex } from 'viem';
import { publicKeyToAddress } from 'viem/accounts';
import { chainProblems, figureProblems, totalsOf, type DigestedReceipt } from '../wire/receipt-checks.js';
import { noReceipt, readReceipt, receiptDigest, receiptDomain, type JobReceipt } from '../wire/job-receipt.js';
import type { Receipt, ReceiptKeys } from './types.generated.js';

type ReceiptKey = ReceiptKeys['keys'][number];

/** What was found. */
export interface VerifiedReceipts {
  /** What is wrong, each in a sentence; empty if nothing is. */
  problems: string[];
  count: number;
  /** Not signed yet, which is no fault. */
  pending: number;
  /** What jobs were charged, and what of it was given back; base units. */
  charged: bigint;
  refunded: bigint;
}

/**
 * Checks receipts of one customer with nothing but what is in them and the published keys: who signed, the figures, and,
 * if these are all, that none is missing.
 */
export function verifyReceipts(
  receipts: readonly Receipt[],
  { keys, audience, areAll }: { keys: readonly ReceiptKey[]; audience: string; areAll: boolean },
): VerifiedReceipts {
  const problems: string[] = [];
  const read: DigestedReceipt[] = [];
  for (const [at, row] of receipts.entries()) {
    const receipt = messageOf(row);
    if (receipt === undefined) {
      problems.push(`entry ${at + 1} is no receipt`);
      continue;
    }
    const name = `receipt ${receipt.number}`;
    const digest = receiptDigest(receipt, row.typed_data.domain.chainId);
    read.push({ digest, receipt });
    if (digest !== row.digest) problems.push(`${name}: its digest is ${digest}, not ${row.digest}`);
    if (receipt.audience !== audience) problems.push(`${name}: it is of ${receipt.audience}, not of ${audience}`);
    problems.push(...figureProblems(receipt).map((problem) => `${name}: ${problem}`));
    for (const problem of signatureProblems(row, digest, receipt.issuedAtMs, keys)) {
      problems.push(`${name}: ${problem}`);
    }
  }
  if (areAll) problems.push(...chainProblems(read, noReceipt));
  return {
    problems,
    count: receipts.length,
    pending: receipts.filter(({ signatures }) => signatures.length === 0).length,
    ...totalsOf(read.map(({ receipt }) => receipt)),
  };
}

/** The message, if the domain is that of receipts: of another one, a signature says something else. */
function messageOf({ typed_data: { domain, primaryType, message } }: Receipt): JobReceipt | undefined {
  const { chainId } = domain;
  if (!Number.isSafeInteger(chainId) || chainId < 1 || primaryType !== 'JobReceipt') return undefined;
  const own = receiptDomain(chainId);
  const isOwn = (Object.keys(own) as (keyof typeof own)[]).every((field) => domain[field] === own[field]);
  return isOwn ? readReceipt(message) : undefined;
}

function signatureProblems(
  { signatures }: Receipt,
  digest: Hex,
  issuedAtMs: number,
  keys: readonly ReceiptKey[],
): string[] {
  if (signatures.length === 0) return [];
  const problems: string[] = [];
  const made: string[] = [];
  for (const { signer, signature } of signatures) {
    const found = recovered(digest, signature as Hex);
    if (found === signer.toLowerCase()) made.push(found);
    else problems.push(`a signature that names ${signer} was not made by it`);
  }
  const known = keys.filter(({ address }) => made.includes(address.toLowerCase()));
  const wasValid = known.some(
    ({ from, until }) =>
      Date.parse(from) <= issuedAtMs && issuedAtMs < (until === undefined ? Infinity : Date.parse(until)),
  );
  if (!wasValid) {
    const when = known.length > 0 ? ' that was valid when it was issued' : '';
    problems.push(`it was signed by no key of the broker${when}`);
  }
  return problems;
}

/** Who signed. viem's own function loads the whole library of the curve, of which a login has this part already. */
function recovered(hash: Hex, signature: Hex): string | undefined {
  try {
    const recoveryBit = Number(`0x${signature.slice(130)}`) - 27;
    const parts = secp256k1.Signature.fromCompact(signature.slice(2, 130)).addRecoveryBit(recoveryBit);
    const key = parts.recoverPublicKey(hash.slice(2)).toHex(false);
    return publicKeyToAddress(`0x${key}`).toLowerCase();
  } catch {
    return undefined;
  }
}
