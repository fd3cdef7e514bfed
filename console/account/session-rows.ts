import type { ListedSession } from '../../src/client/shapes.js';

/** Sessions that still let somebody in, this one first, then those that end last. */
export function liveSessions(sessions: readonly ListedSession[]): ListedSession[] {
  return sessions
    .filter(({ live }) => live)
    .sort((a, b) => Number(b.current) - Number(a.current) || Date.parse(b.expires_at) - Date.parse(a.expires_at));
}

export function otherSessions(sessions: readonly ListedSession[]): ListedSession[] {
  return liveSessions(sessions).filter(({ current }) => !current);
}

export interface TokenRow {
  tokenId: string;
  sessionId: string;
  label: string | undefined;
  scopes: readonly string[];
  expiresAt: string;
  /** Of the session of this tab: ending it ends the tab's login. */
  isOwn: boolean;
}

/** The tokens of all sessions, those that end last first. */
export function tokenRows(sessions: readonly ListedSession[]): TokenRow[] {
  return liveSessions(sessions)
    .flatMap(({ session_id: sessionId, label, current, tokens }) =>
      tokens.map(({ token_id: tokenId, scopes, expires_at: expiresAt }) => ({
        ...{ tokenId, sessionId, label, scopes, expiresAt },
        isOwn: current,
      })),
    )
    .sort((a, b) => Date.parse(b.expiresAt) - Date.parse(a.expiresAt));
}

const words: Readonly<Record<string, string>> = {
  'jobs:read': 'see jobs',
  'jobs:write': 'rent and end jobs',
  'billing:write': 'raise the monthly cap',
  'providers:read': 'see machines',
  'providers:write': 'change machines',
  'settlements:read': 'see all receipts, as a guardian',
  admin: 'operate the site',
};

/** `see jobs, rent and end jobs`; a scope that this page does not know by its own name. */
export function scopesInWords(scopes: readonly string[]): string {
  return scopes.map((scope) => (Object.hasOwn(words, scope) ? words[scope]! : scope)).join(', ');
}
