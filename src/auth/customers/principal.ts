import { type Scope, isScope } from '../../wire/scopes.js';
import { mayHave, type ReservedFor } from './reserved-scopes.js';

/** The authenticated caller. Wallets are always identified by their lower-case address. */
export type Principal = SessionPrincipal | ClaimedKey;

export interface SessionPrincipal {
  wallet: string;
  scopes: readonly Scope[];
  /** Authenticated by a request signature, or by a token. */
  kind: 'signed' | 'bearer';
  sessionId: string;
  sessionKey: string;
  /** Present only with `bearer`. */
  tokenId?: string;
  /** Until when this credential is valid. */
  expiresAt: Date;
  /** Base units, as of this request. */
  spend: { limit: bigint; reserved: bigint; spent: bigint };
}

/**
 * The caller of a session's registration. It claims a key, which only `verifyProofOfPossession` proves, after the
 * challenge is used up. It speaks for no wallet and has no rights.
 */
export interface ClaimedKey {
  wallet: '';
  scopes: readonly [];
  kind: 'proof';
  sessionKey: string;
}

/** The scopes a wallet has now: a former administrator keeps the session but loses `admin`. */
export function grantedScopes(list: readonly string[], wallet: string, config: ReservedFor): Scope[] {
  return list.filter(isScope).filter((scope) => mayHave(scope, wallet, config));
}
