import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { Hex } from 'viem';
import {
  countLiveSessions,
  insertSession,
  isKnownWallet,
  lockWallet,
  type NewAuthSession,
} from '../../db/auth-sessions.js';
import { findBlockOf } from '../../db/blocks.js';
import { withTransaction } from '../../db/pool.js';
import { blockedError } from '../../domain/blocks.js';
import { BrokerError } from '../../domain/errors.js';
import { redeemChallenge } from './challenge.js';
import { contractSessionMaxS, invalid, requireAcceptableDelegation } from './delegation-policy.js';
import type { AuthDeps } from './deps.js';
import { delegationDigest, type SessionDelegation } from '../../wire/session-typed-data.js';
import { verifyWalletSignature } from './wallet-signature.js';

export interface Registration {
  message: SessionDelegation;
  chainId: number;
  /** The wallet's signature of the message. */
  signature: Hex;
  label?: string | undefined;
  ip: string;
  userAgent?: string | undefined;
  /** Verifies the signature of this very request and returns the key that made it. */
  proveSessionKey: () => Promise<string>;
}

/**
 * Finishes a login: from then on the session key speaks for the wallet.
 *
 * The challenge is used up before any expensive check, so every attempt costs one. Failed attempts are counted by
 * address and successful ones by wallet, so the wallet's holder can log in whatever his neighbours send. The session
 * key must sign this request, so that a wallet cannot register somebody else's key.
 *
 * @throws BrokerError `validation_failed`, `timestamp_skew`, `scope_denied`, `challenge_invalid`, `signature_invalid`,
 *   `session_key_in_use`, `blocked`, `quota_exceeded`, `rate_limited`, `auth_backend_unavailable`
 */
export async function registerSession(deps: AuthDeps, registration: Registration): Promise<NewAuthSession> {
  const { message, chainId, signature, label, ip, userAgent } = registration;
  const scopes = requireAcceptableDelegation(deps, message, chainId);
  return await deps.limiter.guard(ip, async () => {
    const challengedAtMs = await redeemChallenge(deps, message);
    if ((await registration.proveSessionKey()) !== message.sessionKey) {
      throw new BrokerError('signature_invalid', 'the request must be signed by the session key of the message');
    }
    const digest = delegationDigest(message, chainId);
    const { wallet } = message;
    const walletKind = await verifyWalletSignature(deps, { wallet, digest, signature, chainId, ip });
    await deps.limiter.wallet(wallet, ip, await isKnownWallet(deps.pool, wallet));
    if (walletKind === 'contract' && message.expiresAt - message.issuedAt > contractSessionMaxS) {
      throw invalid('message.expiresAt', `a contract wallet's session lasts ${contractSessionMaxS} s at most`);
    }
    const session: NewAuthSession = {
      id: randomUUID(),
      wallet: message.wallet,
      sessionKey: message.sessionKey,
      chainId,
      walletKind,
      scopes,
      spendLimit: message.spendLimit,
      delegation: { ...message, spendLimit: message.spendLimit.toString() },
      signature,
      createdAt: new Date(deps.now()),
      expiresAt: new Date(message.expiresAt * 1000),
      ...(label === undefined ? {} : { label }),
      ...(isIP(ip) === 0 ? {} : { createdIp: ip.split('%')[0]! }),
      ...(userAgent === undefined ? {} : { userAgent: printable(userAgent) }),
    };
    await insert(deps, session, challengedAtMs);
    return session;
  });
}

async function insert({ pool, config, now }: AuthDeps, session: NewAuthSession, challengedAtMs: number): Promise<void> {
  await withTransaction(pool, async (tx) => {
    const { loginsVoidBefore } = await lockWallet(tx, session.wallet);
    if (loginsVoidBefore !== undefined && challengedAtMs <= loginsVoidBefore.getTime()) {
      throw new BrokerError('challenge_invalid', 'the wallet revoked everything meanwhile: ask for a new challenge');
    }
    const block = await findBlockOf(tx, [{ kind: 'wallet', value: session.wallet }]);
    if (block !== undefined) throw blockedError(block);
    if ((await countLiveSessions(tx, session.wallet, new Date(now()))) >= config.AUTH_MAX_SESSIONS) {
      throw new BrokerError(
        'quota_exceeded',
        `a wallet has ${config.AUTH_MAX_SESSIONS} live sessions at most: revoke one`,
      );
    }
    if (!(await insertSession(tx, session))) {
      throw new BrokerError('session_key_in_use', 'make a new session key: this one was registered before');
    }
  });
}

/** The client's own name, shown later to the wallet's owner. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256);
}
