/**
 * What a session may do. `admin` is only for the wallets of `ADMIN_WALLETS`, and only with a request signature.
 * `billing:write` raises what the wallet may spend in a month: no login has it unless it asks for it by name, so that a
 * stolen one cannot. `settlements:read` is for the guardian of a vault, a wallet of `GUARDIAN_WALLETS`, and as `admin` only
 * with a request signature: it reads the receipts of everybody, and changes nothing.
 */
export const scopes = [
  'admin',
  'billing:write',
  'jobs:read',
  'jobs:write',
  'providers:read',
  'providers:write',
  'settlements:read',
] as const;

export type Scope = (typeof scopes)[number];

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

/** True for a scope that exists. */
export function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}
