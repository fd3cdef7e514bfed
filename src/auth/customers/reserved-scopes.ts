import type { Config } from '../../config.js';
import { BrokerError } from '../../domain/errors.js';
import type { Scope } from '../../wire/scopes.js';

/** Who may have the scopes that are not for everybody. */
export type ReservedFor = Pick<Config, 'ADMIN_WALLETS' | 'GUARDIAN_WALLETS'>;

/** Scopes that no bearer token has: they work with signed requests alone. */
export const isForSignedRequests = (scope: Scope): boolean => scope === 'admin' || scope === 'settlements:read';

/** Whether a wallet may have a scope now. */
export function mayHave(scope: Scope, wallet: string, { ADMIN_WALLETS, GUARDIAN_WALLETS }: ReservedFor): boolean {
  if (scope === 'admin') return ADMIN_WALLETS.includes(wallet);
  if (scope === 'settlements:read') return GUARDIAN_WALLETS.includes(wallet) || ADMIN_WALLETS.includes(wallet);
  return true;
}

/** @throws BrokerError `scope_denied` */
export function requireMayHave(scopes: readonly Scope[], wallet: string, config: ReservedFor): void {
  const denied = scopes.find((scope) => !mayHave(scope, wallet, config));
  if (denied === undefined) return;
  const why = denied === 'admin' ? 'this wallet is not an administrator' : 'this wallet is not of GUARDIAN_WALLETS';
  throw new BrokerError('scope_denied', why);
}
