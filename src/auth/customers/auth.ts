import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Config } from '../../config.js';
import { challengeKey } from '../../db/installation.js';
import { createNonceStore } from '../../redis/nonces.js';
import { createAuthenticator, type Credentials } from './authenticate.js';
import type { AuthDeps } from './deps.js';
import { knownCredentials } from './known-credentials.js';
import { createAuthLimiter } from './limits.js';
import type { Principal } from './principal.js';
import { createRecover } from '../recover.js';
import { createContractWalletVerifier } from './smart-wallet.js';

/** Authentication of customers, ready to use. */
export interface Auth extends AuthDeps {
  authenticate: (request: Credentials) => Promise<Principal | undefined>;
}

export interface AuthOptions {
  config: Config;
  pool: Pool;
  /** One that fails fast (`connectFailFast`): a signed request is answered with 503 at once while Redis is away. */
  redis: Redis;
  /** Unix milliseconds; for tests. */
  now?: () => number;
}

/** Puts the parts of authentication together; pool and connection stay the caller's to close. */
export function createAuth({ config, pool, redis, now = Date.now }: AuthOptions): Auth {
  const deps: AuthDeps = {
    config,
    pool,
    nonces: createNonceStore(redis),
    limiter: createAuthLimiter(redis, config),
    challengeKey: () => challengeKey(pool),
    credentials: knownCredentials(pool),
    recover: createRecover(),
    ...(config.AUTH_SMART_WALLETS && config.AUTH_RPC_URL !== undefined
      ? { verifyContractWallet: createContractWalletVerifier(config.AUTH_RPC_URL) }
      : {}),
    now,
  };
  return { ...deps, authenticate: createAuthenticator(deps) };
}
