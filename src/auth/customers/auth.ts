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
import { contractWallets } from './smart-wallet.js';

/** Customer authentication, ready to use. */
export interface Auth extends AuthDeps {
  authenticate: (request: Credentials) => Promise<Principal | undefined>;
}

export interface AuthOptions {
  config: Config;
  pool: Pool;
  /** A connection that fails fast (`connectFailFast`): while Redis is away, a signed request gets a 503 at once. */
  redis: Redis;
  /** Unix milliseconds; for tests. */
  now?: () => number;
}

/** Assembles customer authentication; the caller closes the pool and the connection. */
export function createAuth({ config, pool, redis, now = Date.now }: AuthOptions): Auth {
  const verifyContractWallet = contractWallets(config);
  const deps: AuthDeps = {
    config,
    pool,
    nonces: createNonceStore(redis),
    limiter: createAuthLimiter(redis, config),
    challengeKey: () => challengeKey(pool),
    credentials: knownCredentials(pool),
    recover: createRecover(),
    ...(verifyContractWallet === undefined ? {} : { verifyContractWallet }),
    now,
  };
  return { ...deps, authenticate: createAuthenticator(deps) };
}
