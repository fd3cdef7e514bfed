import { secp256k1 } from '@noble/curves/secp256k1';
import type { Hex } from 'viem';
import { publicKeyToAddress } from 'viem/accounts';
import {
  chainProblems,
  chargeProblems,
  resourceProblems,
  shareProblems,
  statementProblems,
  timeProblems,
  totalsOf,
  type DigestedReceipt,
} from '../wire/receipt-checks.js';
import type { ReceiptsStated } from '../wire/receipts-stated.js';
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
 *
 * @param site.statement of a month, read before the receipts: whether the newest ones are held back, the chain cannot tell.
 */
export function verifyReceipts(
  receipts: readonly Receipt[],
  { areAll, statement, ...site }: IssuedBy & { areAll: boolean; statement?: ReceiptsStated | undefined },
): VerifiedReceipts {
  const problems: string[] = [];
  const read: DigestedReceipt[] = [];
  for (const [at, row] of receipts.entries()) {
    const found = digested(row);
    if (found === undefined) {
      problems.push(`entry ${at + 1} is no receipt`);
      continue;
    }
    read.push(found);
    const parts = partsOf(row, found, site);
    problems.push(...parts.flatMap((part) => part.problems).map((text) => `receipt ${found.receipt.number}: ${text}`));
  }
  if (areAll) problems.push(...chainProblems(read, noReceipt));
  if (statement !== undefined) problems.push(...statementProblems(read, statement));
  return {
    problems,
    count: receipts.length,
    pending: receipts.filter(({ signatures }) => signatures.length === 0).length,
    ...totalsOf(read.map(({ receipt }) => receipt)),
  };
}

/** What of a receipt is checked by itself, in this order. */
export const receiptChecks = [
  'form',
  'digest',
  'audience',
  'signature',
  'time',
  'charge',
  'share',
  'previous',
] as const;

/** Who should have issued a receipt, and to whom. */
export interface IssuedBy {
  keys: readonly ReceiptKey[];
  audience: string;
  /** A wallet; absent where receipts of any customer are looked at. */
  customer?: string | undefined;
}

export interface CheckedPart {
  check: (typeof receiptChecks)[number];
  /** `open`: it cannot be told now, such as of a receipt that is not signed yet. */
  state: 'holds' | 'fails' | 'open';
  /** What is wrong, each in a sentence. */
  problems: string[];
}

/**
 * Checks one receipt, part by part. Whether receipts of the wallet are missing, `verifyReceipts` finds with all of them.
 *
 * @param previous the receipt that it names as the one before it; null: there is none; absent: that link is left open.
 */
export function checkReceipt(
  row: Receipt,
  { previous, ...site }: IssuedBy & { previous?: Receipt | null | undefined },
): CheckedPart[] {
  const found = digested(row);
  if (found === undefined) {
    const none = ['it is no receipt, or holds more than was signed'];
    return receiptChecks.map((check) =>
      check === 'form' ? part(check, none) : { check, state: 'open', problems: [] },
    );
  }
  return [part('form', []), ...partsOf(row, found, site), previousPart(found, previous)];
}

const part = (check: CheckedPart['check'], problems: string[]): CheckedPart => ({
  ...{ check, problems },
  state: problems.length === 0 ? 'holds' : 'fails',
});

function partsOf(
  row: Receipt,
  { digest, receipt }: DigestedReceipt,
  { keys, audience, customer }: IssuedBy,
): CheckedPart[] {
  const strangers = customer !== undefined && receipt.customer.toLowerCase() !== customer.toLowerCase();
  const isPending = row.signatures.length === 0;
  const time = timeProblems(receipt);
  return [
    part('digest', digest === row.digest ? [] : [`its digest is ${digest}, not ${row.digest}`]),
    part('audience', [
      ...(receipt.audience === audience ? [] : [`it is of ${receipt.audience}, not of ${audience}`]),
      ...(strangers ? [`it is of the customer ${receipt.customer}, not of ${customer}`] : []),
    ]),
    part('time', time),
    part('charge', [...chargeProblems(receipt), ...resourceProblems(receipt)]),
    part('share', shareProblems(receipt)),
    isPending
      ? { check: 'signature', state: 'open', problems: [] }
      : part('signature', signatureProblems(row, digest as Hex, receipt.issuedAtMs, keys)),
  ];
}

/** Whether it follows the receipt that it names. */
function previousPart({ receipt }: DigestedReceipt, given: Receipt | null | undefined): CheckedPart {
  if (receipt.number === 1) {
    const text = 'it is the first one, and names a receipt before it';
    return part('previous', receipt.previous === noReceipt ? [] : [text]);
  }
  if (receipt.previous === noReceipt)
    return part('previous', ['it names no receipt before it, and is not the first one']);
  if (given === undefined) return { check: 'previous', state: 'open', problems: [] };
  if (given === null) return part('previous', [`receipt ${receipt.number - 1}, which it names, is not there`]);
  const before = digested(given);
  const isBefore =
    before?.digest === receipt.previous &&
    before.receipt.number === receipt.number - 1 &&
    before.receipt.customer === receipt.customer;
  return part('previous', isBefore ? [] : [`it does not follow receipt ${receipt.number - 1} of its customer`]);
}

function digested(row: Receipt): DigestedReceipt | undefined {
  const receipt = messageOf(row);
  if (receipt === undefined) return undefined;
  return { receipt, digest: receiptDigest(receipt, row.typed_data.domain.chainId) };
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
