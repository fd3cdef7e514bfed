import type { CallReverted } from '../../chain/node-words.js';
import { clean } from '../../words/clean.js';

/** The errors of the vault that a customer or a provider may meet: what is wrong, and what to do. */
const words: Readonly<Record<string, readonly [line: string, remedy?: string]>> = {
  BadSignature: [
    'the signature is not of whom the vault asks for it',
    'for a withdrawal: the operator of the vault may have changed; ask the broker for another permit',
  ],
  Stale: ['the vault has seen this total, or a higher one', 'wl balance shows what is there'],
  Expired: ['the broker’s permit has expired', 'ask for another one: wl withdraw AMOUNT'],
  Paused: ['the vault is paused by its guardian for up to 72 hours', 'withdrawals, exits and earnings go on meanwhile'],
  InsufficientBalance: ['the vault has less of this wallet', 'wl balance shows what is there'],
  ZeroAmount: ['there is nothing to move', 'wl balance shows what is there'],
  TransferFailed: [
    'the token refuses the transfer: the wallet has too few of it, or has not approved it, or is barred',
    'is the wallet the one that has the tokens? Another receiver: --to ADDRESS',
  ],
  ExitPending: ['an exit is requested already', 'wl exit shows when it can be taken out'],
  NoExit: ['no exit is requested', 'wl exit requests one'],
  TooEarly: ['it is too early for that', 'wl exit shows when it can be taken out'],
  InvalidAddress: ['the vault refuses this receiver: it is nobody, or the vault itself', '--to ADDRESS'],
  CapExceeded: ['the cap of the wallet does not allow it', 'wl deposit --cap N raises it'],
  Unbalanced: ['the vault cannot hold such an amount'],
};

/** What a vault's error means, with its name as the contract has it. */
export function revertWords({ errorName }: CallReverted): [line: string, remedy: string | undefined] {
  const name = clean(errorName).slice(0, 60);
  const [line, remedy] = Object.hasOwn(words, errorName) ? words[errorName]! : ['the contract refuses the call'];
  return [`${line} (${name}): this was not sent`, remedy];
}
