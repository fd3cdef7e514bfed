import { zeroAddress, type Hex } from 'viem';
import {
  insertRevocation,
  isKnownWallet,
  lockWallet,
  revokeAllSessions,
  revokeSessionKey,
} from '../../db/auth-sessions.js';
import { withTransaction } from '../../db/pool.js';
import { BrokerError } from '../../domain/errors.js';
import { invalid, requireFresh } from './delegation-policy.js';
import type { AuthDeps } from './deps.js';
import { revocationDigest, type SessionRevocation } from '../../wire/session-typed-data.js';
import { verifyWalletSignature } from './wallet-signature.js';

/** Ends all sessions of a wallet and all its unfinished logins. */
export async function revokeAll({ pool, now }: Pick<AuthDeps, 'pool' | 'now'>, wallet: string): Promise<void> {
  await withTransaction(pool, async (tx) => {
    await lockWallet(tx, wallet);
    await revokeAllSessions(tx, wallet, new Date(now()));
  });
}

/**
 * Ends one or all sessions by the wallet's own signature, in case the session key is lost or stolen. It needs only
 * Postgres, so revoking a stolen key does not wait for Redis.
 *
 * @throws BrokerError `validation_failed`, `timestamp_skew`, `signature_invalid`, `nonce_reused`, `session_not_found`, `rate_limited`
 */
export async function revokeByWallet(
  deps: AuthDeps,
  request: { message: SessionRevocation; chainId: number; signature: Hex; ip: string },
): Promise<void> {
  const { message, chainId, signature, ip } = request;
  const { wallet, sessionKey, nonce } = message;
  if (message.audience !== deps.config.AUTH_AUDIENCE)
    throw invalid('message.audience', `must be ${deps.config.AUTH_AUDIENCE}`);
  if (!deps.config.AUTH_CHAIN_IDS.includes(chainId)) {
    throw invalid('chain_id', `must be one of ${deps.config.AUTH_CHAIN_IDS.join(', ')}`);
  }
  requireFresh(message.issuedAt, Math.floor(deps.now() / 1000));
  await deps.limiter.guard(ip, async () => {
    await verifyWalletSignature(deps, { wallet, digest: revocationDigest(message, chainId), signature, chainId, ip });
    await deps.limiter.wallet(wallet, ip, await isKnownWallet(deps.pool, wallet));
    const now = new Date(deps.now());
    await withTransaction(deps.pool, async (tx) => {
      await lockWallet(tx, wallet);
      // Replayed by somebody who saw it, "revoke all" would also end the sessions opened since.
      if (!(await insertRevocation(tx, { wallet, nonce, sessionKey, signature, now }))) {
        throw new BrokerError('nonce_reused', 'this revocation was carried out before');
      }
      if (sessionKey === zeroAddress) await revokeAllSessions(tx, wallet, now);
      else if (!(await revokeSessionKey(tx, wallet, sessionKey, now))) {
        throw new BrokerError('session_not_found', 'the wallet has no session with this key');
      }
    });
  });
}
