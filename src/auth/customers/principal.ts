/** What a session may do. `admin` is for the wallets of `ADMIN_WALLETS`, and only with a request signature. */
export const scopes = ['admin', 'jobs:read', 'jobs:write', 'providers:read', 'providers:write'] as const;
export type Scope = (typeof scopes)[number];

/** Who asks. A wallet is known by its lower-case address, everywhere. */
export type Principal = SessionPrincipal | ClaimedKey;

export interface SessionPrincipal {
  wallet: string;
  scopes: readonly Scope[];
  /** By a request signature, or by a token. */
  kind: 'signed' | 'bearer';
  sessionId: string;
  sessionKey: string;
  /** Only with `bearer`. */
  tokenId?: string;
  /** Until when this credential is good. */
  expiresAt: Date;
  /** Base units, as of this request. */
  spend: { limit: bigint; reserved: bigint; spent: bigint };
}

/**
 * A registration of a session: the key says it is there, which is proven only by `verifyProofOfPossession`, after the
 * challenge is used up. It speaks for no wallet and may do nothing.
 */
export interface ClaimedKey {
  wallet: '';
  scopes: readonly [];
  kind: 'proof';
  sessionKey: string;
}

/** Scopes as they stand in the signed message: sorted, separated by one space. */
export function joinScopes(list: readonly Scope[]): string {
  return [...new Set(list)].sort().join(' ');
}

/** Reads what `joinScopes` wrote; `undefined` for anything else, such as another order or a scope that does not exist. */
export function splitScopes(text: string): Scope[] | undefined {
  const list = text.split(' ');
  const known = list.every((scope): scope is Scope => isScope(scope));
  return known && joinScopes(list) === text ? list : undefined;
}

/** Scopes a wallet has now: a wallet that is no administrator any more keeps its session and loses `admin`. */
export function grantedScopes(list: readonly string[], wallet: string, admins: readonly string[]): Scope[] {
  return list.filter(isScope).filter((scope) => scope !== 'admin' || admins.includes(wallet));
}

function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}
