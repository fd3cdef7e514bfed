/** What a session may do. `admin` is only for the wallets of `ADMIN_WALLETS`, and only with a request signature. */
export const scopes = ['admin', 'jobs:read', 'jobs:write', 'providers:read', 'providers:write'] as const;
export type Scope = (typeof scopes)[number];

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

/** Scopes as written in the signed message: sorted, separated by one space. */
export function joinScopes(list: readonly Scope[]): string {
  return [...new Set(list)].sort().join(' ');
}

/** Parses the output of `joinScopes`; `undefined` for anything else, such as another order or an unknown scope. */
export function splitScopes(text: string): Scope[] | undefined {
  const list = text.split(' ');
  const known = list.every((scope): scope is Scope => isScope(scope));
  return known && joinScopes(list) === text ? list : undefined;
}

/** The scopes a wallet has now: a former administrator keeps the session but loses `admin`. */
export function grantedScopes(list: readonly string[], wallet: string, admins: readonly string[]): Scope[] {
  return list.filter(isScope).filter((scope) => scope !== 'admin' || admins.includes(wallet));
}

function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}
