import type { JobReceipt } from './job-receipt.js';
import { chargeFor, feeFor } from './charge.js';
import type { ReceiptsStated } from './receipts-stated.js';

/**
 * What must be true of the figures of a receipt, and of one receipt after the other. Everything here can be checked by
 * somebody who has nothing but the receipts.
 */

/** What is wrong with the figures of a receipt, in words; empty if nothing is. */
export function figureProblems(receipt: JobReceipt): string[] {
  return [
    ...timeProblems(receipt),
    ...chargeProblems(receipt),
    ...shareProblems(receipt),
    ...resourceProblems(receipt),
  ];
}

/** Whether the charge is what the billed time costs, or less after a refund. */
export function chargeProblems({ charged, reserved, ratePerHour, billedMs, revision }: JobReceipt): string[] {
  const problems: string[] = [];
  const price = chargeFor(ratePerHour, billedMs);
  const due = price < reserved ? price : reserved;
  if (revision === 0 && charged !== due) {
    problems.push(`it charges ${charged}, but ${billedMs} ms at ${ratePerHour} per hour cost ${due}`);
  }
  if (charged > due && revision > 0) problems.push(`after a refund it charges ${charged}, more than the ${due} due`);
  if (charged > reserved) problems.push(`it charges ${charged}, but only ${reserved} were reserved`);
  return problems;
}

/** Whether the charge is shared out as the fee says. */
export function shareProblems({ charged, fee, earned, feeBps }: JobReceipt): string[] {
  const problems: string[] = [];
  const share = feeFor(charged, feeBps);
  if (fee !== share) problems.push(`the fee is ${fee}, but ${feeBps} / 10000 of ${charged} are ${share}`);
  if (earned !== charged - fee)
    problems.push(`the provider earns ${earned}, but ${charged} - ${fee} is ${charged - fee}`);
  return problems;
}

/** Whether what was rented is written as it is signed. */
export function resourceProblems({ resources }: JobReceipt): string[] {
  return isCanonical(resources) ? [] : ['its resources are not JSON with its keys in order'];
}

/** Whether what is billed is the time of service without its gaps. */
export function timeProblems({ readyAtMs, servedUntilMs, gaps, billedMs }: JobReceipt): string[] {
  const problems: string[] = [];
  if (servedUntilMs < readyAtMs) problems.push('its service ends before it begins');
  let from = readyAtMs;
  let missed = 0;
  for (const gap of gaps) {
    if (gap.fromMs < from || gap.toMs <= gap.fromMs || gap.toMs > servedUntilMs) {
      problems.push(`its gap from ${gap.fromMs} to ${gap.toMs} is out of order, or not within the time of service`);
    }
    missed += gap.toMs - gap.fromMs;
    from = gap.toMs;
  }
  const due = servedUntilMs - readyAtMs - missed;
  if (billedMs !== due) {
    problems.push(`it bills ${billedMs} ms, but ${servedUntilMs} - ${readyAtMs} - ${missed} of gaps is ${due}`);
  }
  return problems;
}

function isCanonical(text: string): boolean {
  try {
    const parsed = JSON.parse(text) as unknown;
    if (typeof parsed !== 'object' || parsed === null) return false;
    const sorted = Object.entries(parsed).sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify(Object.fromEntries(sorted)) === text;
  } catch {
    return false;
  }
}

/** A receipt with its digest, as its reader computed it. */
export interface DigestedReceipt {
  digest: string;
  receipt: JobReceipt;
}

/** What a refund leaves as it is: the job and its service. */
const unchanged = [
  'customer',
  'orderHash',
  'providerId',
  'resources',
  'ratePerHour',
  'readyAtMs',
  'servedUntilMs',
  'billedMs',
] as const;
const unchangedMoney = ['reserved', 'feeBps', 'outcome', 'audience'] as const;

/**
 * What is wrong with the receipts of one customer as a chain, in words: numbers from 1 without a hole, each naming the
 * digest of the one before it, each refund following what it corrects.
 */
export function chainProblems(receipts: readonly DigestedReceipt[], none: string): string[] {
  const problems: string[] = [];
  const sorted = [...receipts].sort((a, b) => a.receipt.number - b.receipt.number);
  const jobs = new Map<string, JobReceipt>();
  let before: DigestedReceipt | undefined;
  for (const found of sorted) {
    const { receipt } = found;
    const expected = (before?.receipt.number ?? 0) + 1;
    if (receipt.number < expected) problems.push(`there is more than one receipt with number ${receipt.number}`);
    else if (receipt.number > expected) problems.push(missing(expected, receipt.number - 1));
    else if (receipt.previous !== (before?.digest ?? none)) {
      problems.push(
        before === undefined
          ? `receipt 1 names a receipt before it`
          : `receipt ${receipt.number} does not follow receipt ${before.receipt.number}: one of them was replaced`,
      );
    }
    if (before !== undefined && receipt.customer !== before.receipt.customer)
      problems.push(`receipt ${receipt.number} is of another customer than receipt ${before.receipt.number}`);
    problems.push(...revisionProblems(receipt, jobs.get(receipt.jobId)));
    jobs.set(receipt.jobId, receipt);
    before = found;
  }
  return problems;
}

/**
 * What is wrong with the receipts of one customer by his statement, in words: the chain alone cannot tell whether the
 * newest ones are held back.
 */
export function statementProblems(receipts: readonly DigestedReceipt[], stated: ReceiptsStated): string[] {
  const { first, last, last_digest: digest } = stated.receipts;
  const named = receipts.find(({ receipt }) => receipt.number === last);
  const problems: string[] = [];
  if (last > 0 && named === undefined) problems.push(`${missing(last, last)}, which the statement names as the newest`);
  if (named !== undefined && named.digest !== digest) problems.push(`the statement names another receipt ${last}`);
  if (first === null) return problems;
  const { charged, refunded } = totalsOf(
    receipts.map(({ receipt }) => receipt),
    ({ number }) => first <= number && number <= last,
  );
  const [net, due] = [charged - refunded, netOf(stated)];
  if (net !== due)
    problems.push(`the statement has ${due} charged by receipts ${first} to ${last}, which come to ${net}`);
  return problems;
}

const netOf = ({ charged, refunded, without_receipt: without }: ReceiptsStated) =>
  BigInt(charged) - BigInt(refunded) - BigInt(without);

function missing(from: number, to: number): string {
  return from === to ? `receipt ${from} is missing` : `receipts ${from} to ${to} are missing`;
}

function revisionProblems(receipt: JobReceipt, before: JobReceipt | undefined): string[] {
  const name = `receipt ${receipt.number}`;
  if (before === undefined) {
    return receipt.revision === 0 ? [] : [`${name} is revision ${receipt.revision} of a job without one before it`];
  }
  if (receipt.revision !== before.revision + 1) {
    return [`${name} is revision ${receipt.revision} of its job, after revision ${before.revision}`];
  }
  const changed: string[] = [...unchanged, ...unchangedMoney].filter((field) => receipt[field] !== before[field]);
  if (JSON.stringify(receipt.gaps) !== JSON.stringify(before.gaps)) changed.push('gaps');
  const problems = changed.map((field) => `${name} is a refund, and changes ${field}`);
  if (receipt.charged >= before.charged) problems.push(`${name} is a refund, and gives nothing back`);
  return problems;
}

/** What receipts come to, or some of them: each job's first charge, and what refunds gave back. */
export function totalsOf(
  receipts: readonly JobReceipt[],
  counts: (receipt: JobReceipt) => boolean = () => true,
): { charged: bigint; refunded: bigint } {
  const latest = new Map<string, bigint>();
  let charged = 0n;
  let refunded = 0n;
  for (const receipt of [...receipts].sort((a, b) => a.number - b.number)) {
    const before = latest.get(receipt.jobId);
    latest.set(receipt.jobId, receipt.charged);
    if (!counts(receipt)) continue;
    if (before === undefined) charged += receipt.charged;
    else refunded += before - receipt.charged;
  }
  return { charged, refunded };
}
