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

/** What a call of the guardian needs at least, whatever a node says; nodes take back what is not used. */
const leastGas = 100_000n;
/** A node that says more lies, or the chain is none on which the guardian's wallet is enough. */
const mostGas = 1_000_000n;

/** How much gas a call may use, by what nodes have found out. */
export function gasFor(found: readonly bigint[]): bigint {
  const plausible = found.filter((gas) => gas <= mostGas);
  if (plausible.length === 0) return mostGas;
  const needed = (highest(plausible) * 6n) / 5n;
  return needed > leastGas ? needed : leastGas;
}
