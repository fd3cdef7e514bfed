import { isCode, WorldLandError } from '../../src/client/index.js';
import { durationInWords, plain } from '../parts/words.js';
import { WalletRefusal } from './refusal.js';

/** What went wrong with a login, as a sentence for the person at the screen, and whether ending other logins helps. */
export interface LoginFailure {
  text: string;
  isQuota: boolean;
  requestId?: string;
}

export function loginFailure(error: unknown, { smartWallets }: { smartWallets: boolean }): LoginFailure {
  const refusal = refusalBehind(error);
  if (refusal !== undefined) return { text: refusal.message, isQuota: false };
  if (!(error instanceof WorldLandError)) {
    console.error(error);
    return { text: 'Something went wrong in this page. Nothing was signed. Reload it and try again.', isQuota: false };
  }
  return {
    text: sentence(error, smartWallets),
    isQuota: isCode(error, 'quota_exceeded'),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
  };
}

/** The client wraps what a wallet throws. */
function refusalBehind(error: unknown): WalletRefusal | undefined {
  if (error instanceof WalletRefusal) return error;
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause instanceof WalletRefusal ? cause : undefined;
}

function clockInWords(aheadS: number): string {
  const where = aheadS > 0 ? 'ahead of' : 'behind';
  return `The clock of this computer is ${durationInWords(Math.abs(aheadS))} ${where} the broker’s. Set it, then try again: your wallet was not asked.`;
}

function sentence(error: WorldLandError, smartWallets: boolean): string {
  const detail = plain(error.detail, 240);
  switch (error.code) {
    case 'network':
    case 'timeout':
      return 'The broker does not answer. Check your connection, then try again.';
    case 'quota_exceeded':
      return 'This wallet is logged in in too many places already. End the other logins, or wait until one of them ends.';
    case 'scope_denied':
      return 'This wallet is not an operator of this broker. Choose another wallet.';
    case 'challenge_invalid':
      return 'That took too long, and the broker no longer accepts what was signed. Choose the wallet again.';
    case 'signature_invalid':
      return smartWallets
        ? 'The signature is not that of this account. Try again, or try another wallet.'
        : 'The signature is not that of this account. If it is a contract (a multisig such as Safe), this broker cannot use it.';
    case 'blocked':
      return `The operator has blocked this wallet: ${detail}`;
    case 'rate_limited':
      return `There were too many logins from your address. Try again in ${Math.ceil(error.retryAfterS ?? 60)} seconds.`;
    case 'protocol':
      if (typeof error.data['clock_ahead_s'] === 'number') return clockInWords(error.data['clock_ahead_s']);
      return `The broker proposes something else than you asked for, so your wallet was not asked: ${detail}`;
    default:
      return error.status >= 500 ? 'The broker has a problem. Try again in a moment.' : `The broker refuses: ${detail}`;
  }
}
