import { mostOf } from '../chain/fees.js';
import type { presentFee } from '../chain/fees.js';

type Fee = NonNullable<Awaited<ReturnType<typeof presentFee>>>;

/** More rounds change nothing: then the cap is reached from whatever a node says. */
const mostRounds = 400;

/**
 * What to offer for gas, dearest first, by what each node asks for. No node is believed alone: the first one offers the most
 * that any of them asks for; one that asks for nearly nothing delays nothing. It may ask for more than the wallet has, so what
 * each of them asks for by itself stands behind.
 *
 * @param rounds how often nothing of the kind was mined in time: each makes it an eighth dearer, which nodes want of a
 *   replacement.
 */
export function offersOf(asked: readonly Fee[], rounds: number, maxFeeWei: bigint): Fee[] {
  const [times, parts] = [9n ** BigInt(Math.min(rounds, mostRounds)), 8n ** BigInt(Math.min(rounds, mostRounds))];
  const raised = (wei: bigint) => {
    const dearer = (wei * times) / parts + BigInt(rounds);
    return dearer < maxFeeWei ? dearer : maxFeeWei;
  };
  const fees = asked.map((fee): Fee =>
    'gasPrice' in fee
      ? { gasPrice: raised(fee.gasPrice) }
      : { maxFeePerGas: raised(fee.maxFeePerGas), maxPriorityFeePerGas: raised(fee.maxPriorityFeePerGas) },
  );
  const byCost = [...together(fees), ...fees].sort((a, b) => (mostOf(a) > mostOf(b) ? -1 : 1));
  return byCost.reduce<Fee[]>((kept, fee) => (kept.some((dearer) => isNear(dearer, fee)) ? kept : [...kept, fee]), []);
}

/** The highest of each part. */
function together(fees: readonly Fee[]): Fee[] {
  const dynamic = fees.flatMap((fee) => ('gasPrice' in fee ? [] : [fee]));
  if (dynamic.length === 0) return [];
  return [
    {
      maxFeePerGas: highest(dynamic.map((fee) => fee.maxFeePerGas)),
      maxPriorityFeePerGas: highest(dynamic.map((fee) => fee.maxPriorityFeePerGas)),
    },
  ];
}

/** Whether one offers no less than the other in any part, and costs at most twice as much. */
function isNear(dearer: Fee, fee: Fee): boolean {
  if (mostOf(dearer) > 2n * mostOf(fee) || mostOf(dearer) < mostOf(fee)) return false;
  const tipOf = (each: Fee) => ('gasPrice' in each ? each.gasPrice : each.maxPriorityFeePerGas);
  return tipOf(dearer) >= tipOf(fee);
}

function highest(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b > a ? b : a));
}

/** Whether a transaction can be signed with it: a node may say anything. */
export function isSane(fee: Fee): boolean {
  if ('gasPrice' in fee) return fee.gasPrice >= 0n;
  return fee.maxPriorityFeePerGas >= 0n && fee.maxPriorityFeePerGas <= fee.maxFeePerGas;
}

/** What nodes ask for gas. */
export interface AskedFees {
  fees: readonly Fee[];
  /** Whether every node answered. */
  isComplete: boolean;
}

/** Each round goes so much further from what is offered first to the most, and so often at most. */
const [stride, mostStrides] = [4n, 6n];

/**
 * What to offer for a call in a round. Where a node does not answer, it may be the one that is right: then what the others
 * ask for is not the most, and each round offers far more, up to the cap.
 *
 * @param isDisputed whether some node says that the vault would not take it. Then it begins with the least that is asked for,
 *   and never costs much more than what is needed, whatever a node asks for.
 */
export function offersIn(
  { fees, isComplete }: AskedFees,
  { rounds, isDisputed, maxFeeWei }: { rounds: number; isDisputed: boolean; maxFeeWei: bigint },
): Fee[] {
  const asked = [...fees];
  if (fees.length === 0 && isComplete) return [];
  if (fees.length === 0) asked.push({ maxFeePerGas: maxFeeWei, maxPriorityFeePerGas: lower(leastTip, maxFeeWei) });
  else if (!isComplete && rounds > 0) asked.push(farAbove(fees, rounds, maxFeeWei));
  if (!isDisputed) return offersOf(asked, rounds, maxFeeWei);
  const costs = asked.map(mostOf);
  const least = costs.reduce(lower);
  return offersOf(asked, rounds, lower(maxFeeWei, strides(least, highest(costs), rounds)));
}

/** Where no node says what a tip is. */
const leastTip = 2n * 10n ** 9n;

function farAbove(fees: readonly Fee[], rounds: number, maxFeeWei: bigint): Fee {
  const far = (wei: bigint) => lower(maxFeeWei, strides(wei, maxFeeWei, rounds));
  const [dynamic] = together(fees);
  if (dynamic === undefined || 'gasPrice' in dynamic) return { gasPrice: far(highest(fees.map(mostOf))) };
  return {
    maxFeePerGas: far(dynamic.maxFeePerGas),
    maxPriorityFeePerGas: lower(far(dynamic.maxPriorityFeePerGas), far(dynamic.maxFeePerGas)),
  };
}

/** How far a round goes from the least: at once so far that the most is reached in a few. */
function strides(least: bigint, most: bigint, rounds: number): bigint {
  const begin = most / stride ** mostStrides;
  return (least > begin ? least : begin + 1n) * stride ** BigInt(Math.min(rounds, mostRounds));
}

const lower = (a: bigint, b: bigint) => (a < b ? a : b);

/** What a call of the guardian needs at least, whatever a node says; nodes take back what is not used. */
export const leastGas = 100_000n;
/** A node that says more lies, or the chain is none on which the guardian's wallet is enough. */
const mostGas = 1_000_000n;

/**
 * How much gas a call may use, by what nodes have found out: the most that one of them says, and the least. A wallet that has
 * too little for the one may have enough for the other.
 */
export function gasFor(found: readonly bigint[]): { gas: bigint; leastGas: bigint } {
  const plausible = found.filter((gas) => gas > 0n && gas <= mostGas);
  if (plausible.length === 0) return { gas: mostGas, leastGas };
  const needed = plausible.map((gas) => (gas * 6n) / 5n).map((gas) => (gas > leastGas ? gas : leastGas));
  return { gas: highest(needed), leastGas: needed.reduce(lower) };
}
