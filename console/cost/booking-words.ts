import type { WalletEntry } from '../../src/client/types.generated.js';

/** What a booking was, in words; a kind that this console does not know stays as it is. */
const words: Partial<Record<string, string>> = {
  deposit: 'Payment',
  reserve: 'Reserved',
  trim: 'Reservation adapted to the machine',
  accrue: 'Charge of a day',
  settle: 'Charge of a job',
  refund: 'Refund',
  adjust: 'Correction by an operator',
  withdraw_hold: 'Held for a withdrawal',
  withdraw_void: 'Withdrawal lapsed',
  withdrawn: 'Withdrawal',
};

export function bookingText({ kind, amount }: Pick<WalletEntry, 'kind' | 'amount'>): string {
  if (kind === 'settle' && amount === '0') return 'A job ended that cost nothing';
  return Object.hasOwn(words, kind) ? words[kind]! : kind.replaceAll('_', ' ');
}

/** Whether it moved nothing but what is reserved. */
export const isReservation = ({ kind, amount }: Pick<WalletEntry, 'kind' | 'amount'>) =>
  amount === '0' && kind !== 'settle';
