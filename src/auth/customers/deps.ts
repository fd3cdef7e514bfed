import type { Pool } from 'pg';
import type { Config } from '../../config.js';
import type { NonceStore } from '../../redis/nonces.js';
import type { KnownCredentials } from './known-credentials.js';
import type { AuthLimiter } from './limits.js';
import type { VerifyContractWallet } from './smart-wallet.js';
import type { Recover } from '../../wire/recover.js';

export type AuthConfig = Pick<
  Config,
  | 'AUTH_AUDIENCE'
  | 'AUTH_TARGET_PREFIX'
  | 'AUTH_CHAIN_IDS'
  | 'AUTH_MAX_SKEW_S'
  | 'AUTH_CHALLENGE_TTL_S'
  | 'AUTH_SESSION_TTL_S'
  | 'AUTH_SESSION_TTL_MAX_S'
  | 'AUTH_TOKEN_TTL_S'
  | 'AUTH_TOKEN_TTL_MAX_S'
  | 'AUTH_MAX_SESSIONS'
  | 'AUTH_MAX_TOKENS'
  | 'ADMIN_WALLETS'
  | 'GUARDIAN_WALLETS'
>;

/** The dependencies of authentication. */
export interface AuthDeps {
  config: AuthConfig;
  pool: Pool;
  nonces: NonceStore;
  limiter: AuthLimiter;
  /** The key that seals challenges, so that made-up ones are recognized. */
  challengeKey: () => Promise<Buffer>;
  credentials: KnownCredentials;
  recover: Recover;
  /** When absent, contract wallets cannot log in. */
  verifyContractWallet?: VerifyContractWallet;
  /** Unix milliseconds. */
  now: () => number;
}
