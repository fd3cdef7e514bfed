import type { Hex } from 'viem';
import { addressWord, bytesWords, callOf, numberWord } from './words32.js';

/** Where calls go. Addresses are in lower case. */
export interface VaultPlace {
  chainId: number;
  vault: string;
  token: string;
}

/** What a wallet sends to the chain. Amounts are units of the token, as decimal text: it is kept in the tab. */
export type Action =
  /** Lets the vault fetch the amount of the deposit that comes next. */
  | { kind: 'approve'; amount: string; cap: string }
  /** @param cap all draws together may come to this much. */
  | { kind: 'deposit'; amount: string; cap: string }
  | { kind: 'raise-cap'; cap: string }
  | { kind: 'withdraw'; amount: string; cumulative: string; deadline: number; signature: Hex }
  | { kind: 'request-exit' }
  | { kind: 'cancel-exit' }
  | { kind: 'exit' }
  | { kind: 'withdraw-earnings' };

export interface Call {
  to: string;
  data: Hex;
}

/** First bytes of calls, as their names and arguments make them. */
export const selectors = {
  approve: '0x095ea7b3',
  deposit: '0xc3fbc5ef',
  raiseCap: '0xa5c07eef',
  withdraw: '0x27d9c04c',
  requestExit: '0x7f8e3b4e',
  cancelExit: '0xfdf364e4',
  exit: '0xb42652e9',
  withdrawEarnings: '0x3d4d8d4f',
} as const;

/** What the wallet is asked to send. Money that leaves the vault goes to the wallet itself. */
export function callFor(action: Action, wallet: string, { vault, token }: VaultPlace): Call {
  switch (action.kind) {
    case 'approve':
      return { to: token, data: callOf(selectors.approve, addressWord(vault), numberWord(BigInt(action.amount))) };
    case 'deposit': {
      const amounts = [action.amount, action.cap].map((amount) => numberWord(BigInt(amount)));
      return { to: vault, data: callOf(selectors.deposit, addressWord(wallet), ...amounts) };
    }
    case 'raise-cap': {
      // By the wallet itself: it needs no signature beside that of the transaction.
      const words = [addressWord(wallet), numberWord(BigInt(action.cap)), numberWord(96), bytesWords('0x')];
      return { to: vault, data: callOf(selectors.raiseCap, ...words) };
    }
    case 'withdraw': {
      const { cumulative, deadline, signature } = action;
      const words = [addressWord(wallet), numberWord(BigInt(cumulative)), numberWord(deadline), numberWord(128)];
      return { to: vault, data: callOf(selectors.withdraw, ...words, bytesWords(signature)) };
    }
    case 'request-exit':
      return { to: vault, data: selectors.requestExit };
    case 'cancel-exit':
      return { to: vault, data: selectors.cancelExit };
    case 'exit':
      return { to: vault, data: callOf(selectors.exit, addressWord(wallet)) };
    case 'withdraw-earnings':
      return { to: vault, data: callOf(selectors.withdrawEarnings, addressWord(wallet)) };
  }
}

/** Names of events, as their arguments make them. */
export const topics = {
  approve: '0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925',
  deposit: '0x98e61a191a785bb80774a71a97c6f45cdba53aa992b229f7aee0658e19ea7e9a',
  'raise-cap': '0x4693b5401e30cea575976ce84db1a6b370c1bc6f1f29044220112166d7f87cf3',
  withdraw: '0xf3534c5992c3931fc86fbca15a3e750e109223ef17b7347236ffc0b1e7bdab29',
  'request-exit': '0x12af565fbdd53c6be7b24b4d08750ab523585c012527663059a728d6bf640d51',
  'cancel-exit': '0x91c2e943be9b1896a63fd826425c05548b2a5583446fe30c455ed129c89f86a3',
  exit: '0xaa5cfc974bd759f818e3e18a4afc9d79daaa0722158497792100a1fddd13e193',
  'withdraw-earnings': '0xee0102929016a1a894fb9dcf0b02019d1d09ca16350ff25cd2ac254dd7035330',
} as const satisfies Record<Action['kind'], Hex>;

/** What of the chain's events says that an action was done, whichever transaction did it. */
export function eventFor({ kind }: Action, wallet: string, { vault, token }: VaultPlace) {
  const who = `0x${addressWord(wallet)}`;
  const more = kind === 'approve' ? [`0x${addressWord(vault)}`] : [];
  return { address: kind === 'approve' ? token : vault, topics: [topics[kind], who, ...more] };
}

/**
 * Whether an event of the right kind is the one of this action: its figure has to be the one that was asked for, where it
 * has one that is known before. A token that takes a fee makes a smaller deposit of it.
 */
export function isEventOf(action: Action, figures: readonly bigint[]): boolean {
  const [figure = 0n] = figures;
  switch (action.kind) {
    case 'approve':
    case 'withdraw':
      return figure === BigInt(action.amount);
    case 'deposit':
      return figure > 0n && figure <= BigInt(action.amount);
    case 'raise-cap':
      return figure >= BigInt(action.cap);
    default:
      return true;
  }
}
