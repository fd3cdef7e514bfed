import { zeroAddress } from 'viem';
import { BrokerError, type FieldProblem } from '../../domain/errors.js';
import type { AuthDeps } from './deps.js';
import { requireMayHave } from './reserved-scopes.js';
import { delegationStatement, signingSkewS, type SessionDelegation } from '../../wire/session-typed-data.js';
import { splitScopes, type Scope } from '../../wire/scopes.js';

/** Contracts change owners and keys without the broker noticing, so their sessions last a day at most. */
export const contractSessionMaxS = 86_400;

/** An invalid field, as the API reports it. */
export function invalid(field: string, message: string): BrokerError {
  return new BrokerError('validation_failed', `${field}: not acceptable`, { errors: [{ field, message }] });
}

/**
 * Checks the content of a delegation, whoever signed it.
 *
 * @returns the scopes it grants.
 * @throws BrokerError `validation_failed` with every invalid field, `timestamp_skew`, `scope_denied`
 */
export function requireAcceptableDelegation(
  { config, now }: Pick<AuthDeps, 'config' | 'now'>,
  message: SessionDelegation,
  chainId: number,
): Scope[] {
  const nowS = Math.floor(now() / 1000);
  const scopes = splitScopes(message.scopes);
  const problems: FieldProblem[] = [];
  const require = (acceptable: boolean, field: string, problem: string) => {
    if (!acceptable) problems.push({ field, message: problem });
  };
  require(message.wallet !== zeroAddress, 'message.wallet', 'must not be the zero address');
  require(message.sessionKey !== zeroAddress, 'message.sessionKey', 'must not be the zero address');
  require(message.sessionKey !== message.wallet, 'message.sessionKey', 'must be a key of its own');
  require(message.audience === config.AUTH_AUDIENCE, 'message.audience', `must be ${config.AUTH_AUDIENCE}`);
  require(message.statement === delegationStatement, 'message.statement', `must be: ${delegationStatement}`);
  require(scopes !== undefined, 'message.scopes', 'must be known scopes, sorted, separated by single spaces');
  require(config.AUTH_CHAIN_IDS.includes(chainId), 'chain_id', `must be one of ${config.AUTH_CHAIN_IDS.join(', ')}`);
  require(message.expiresAt > nowS, 'message.expiresAt', 'must be in the future');
  const ttlS = message.expiresAt - message.issuedAt;
  require(ttlS > 0 &&
    ttlS <=
      config.AUTH_SESSION_TTL_MAX_S, 'message.expiresAt', `must be at most ${config.AUTH_SESSION_TTL_MAX_S} s after issuedAt`);
  if (problems.length > 0) {
    const named = [...new Set(problems.map(({ field }) => field))].join(', ');
    throw new BrokerError('validation_failed', `${named}: not acceptable`, { errors: problems });
  }
  requireFresh(message.issuedAt, nowS);
  requireMayHave(scopes!, message.wallet, config);
  return scopes!;
}

/** @throws BrokerError `timestamp_skew` if a wallet's message was signed at another time. */
export function requireFresh(issuedAt: number, nowS: number): void {
  if (Math.abs(nowS - issuedAt) <= signingSkewS) return;
  throw new BrokerError('timestamp_skew', `issuedAt must be within ${signingSkewS} s of server_time`, {
    server_time: nowS,
  });
}
