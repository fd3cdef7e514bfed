import type { Scope, StoredSession } from '../../src/client/index.js';
import type { MintedToken } from '../../src/client/shapes.js';

/** What the token of a browser may do; never `admin`, which only signed requests may. */
export const browserScopes: readonly Scope[] = ['jobs:read', 'jobs:write', 'providers:read', 'providers:write'];

/** What a tab keeps of a login: its token, with the rights that it has, and no key. */
export function browserSession(
  opened: StoredSession,
  { token: value, token_id: id, expires_at: expiresAt }: MintedToken,
  nowMs: number,
): StoredSession {
  const { wallet, sessionId, sessionKey, audience, chainId, spendLimit } = opened;
  return {
    ...{ wallet, sessionId, sessionKey, audience, chainId, spendLimit },
    scopes: [...browserScopes],
    expiresAt: opened.expiresAt,
    token: { value, id, mintedAt: new Date(nowMs).toISOString(), expiresAt },
  };
}

const browsers: readonly [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(?:e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const systems: readonly [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS/, 'macOS'],
  [/Linux/, 'Linux'],
];

/** What the list of sessions calls this one: `Console in Firefox on Linux`. */
export function labelOf({ userAgent }: { userAgent: string }): string {
  const find = (names: typeof browsers) => names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const [browser, system] = [find(browsers), find(systems)];
  return `Console${browser === undefined ? '' : ` in ${browser}`}${system === undefined ? '' : ` on ${system}`}`;
}
