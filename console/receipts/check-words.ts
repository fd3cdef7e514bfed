import type { CheckedPart } from '../../src/client/verify-receipts.js';
import type { Receipt } from '../../src/client/types.generated.js';
import { shortAddress } from '../parts/words.js';

/** What was looked at, as a sentence that is true if it holds. */
export function checkText({ check, state }: Pick<CheckedPart, 'check' | 'state'>, receipt: Receipt): string {
  const { message } = receipt.typed_data;
  switch (check) {
    case 'form':
      return 'It holds every field that is signed, and nothing else';
    case 'digest':
      return 'Its digest, computed anew from every field, is the one it has';
    case 'audience':
      return 'It was issued by this broker';
    case 'signature':
      if (state === 'open') return 'It is not signed yet: a worker signs within a minute';
      return `It was signed by ${signersOf(receipt)}, with a key that the broker has published and that was valid then`;
    case 'time':
      return 'The billed time is the time of service without its gaps';
    case 'charge':
      return message.revision === 0
        ? 'The charge is the rate for the billed time, rounded down, and no more than was reserved'
        : 'The charge after the refund is no more than the rate for the billed time, or than was reserved';
    case 'share':
      return 'The fee is its part of the charge, rounded down, and the provider earns all the rest';
    case 'previous':
      if (message.number === 1) return 'It is the first receipt of its customer, and names none before it';
      return state === 'open'
        ? `Whether it follows receipt ${message.number - 1} was not looked at: that one is its customer’s`
        : `It names the digest of receipt ${message.number - 1}, computed anew as well`;
  }
}

function signersOf({ signatures }: Receipt): string {
  return signatures.map(({ signer }) => shortAddress(signer)).join(' and ');
}
