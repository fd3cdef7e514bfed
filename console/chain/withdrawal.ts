import type { Hex } from 'viem';
import { callFor, type Action, type Call, type VaultPlace } from './actions.js';

type Withdraw = Extract<Action, { kind: 'withdraw' }>;

/** What the broker answers to the wish to take something out. Amounts are units of the token. */
export interface Permit {
  cumulative: bigint;
  /** Seconds since 1970. */
  deadlineS: number;
  signature: string;
  call: { to: string; data: string };
}

/** What was asked for, and what the vault itself says that has left it before. */
export interface Asked {
  wallet: string;
  place: VaultPlace;
  amount: bigint;
  withdrawn: bigint;
  nowS: number;
}

/** A permit lives for minutes; a deadline far from that was not made for this. */
const longestS = 3_600;

/**
 * Compares what the wallet is about to be shown with what the person has asked for: the vault, the receiver, the amount,
 * the deadline, and that the call has nothing else in it.
 *
 * @returns the action to send, or what differs, in a sentence.
 */
export function withdrawalOf({ cumulative, deadlineS, signature, call }: Permit, asked: Asked): Withdraw | string {
  const { wallet, place, amount, withdrawn, nowS } = asked;
  if (call.to.toLowerCase() !== place.vault) return 'The broker wants your wallet to call another contract.';
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) return 'The broker sent no permit that a vault would take.';
  if (cumulative - withdrawn !== amount)
    return cumulative - withdrawn < amount
      ? 'The permit is for less than you asked for.'
      : 'The permit is for more than you asked for.';
  if (deadlineS <= nowS) return 'The permit has run out already. Is the clock of this computer right?';
  if (deadlineS - nowS > longestS) return 'The permit is good for much longer than it should be.';
  const action: Withdraw = {
    ...{ kind: 'withdraw', amount: amount.toString(), cumulative: cumulative.toString(), deadline: deadlineS },
    signature: signature.toLowerCase() as Hex,
  };
  const expected: Call = callFor(action, wallet, place);
  return expected.data === call.data.toLowerCase() ? action : differenceOf(call.data.toLowerCase(), expected.data);
}

/** Names the word of the call that is another one. */
function differenceOf(data: string, expected: string): string {
  if (data.slice(0, 10) !== expected.slice(0, 10)) return 'The broker wants your wallet to call something else.';
  const names = ['receiver', 'amount', 'deadline'];
  const at = names.findIndex((_, word) => partOf(data, word) !== partOf(expected, word));
  return at < 0
    ? 'The call that the broker sent holds something that was not asked for.'
    : `The call that the broker sent has another ${names[at]} than was asked for.`;
}

const partOf = (data: string, word: number) => data.slice(10 + 64 * word, 74 + 64 * word);
