import type { Pool } from 'pg';
import type { Config } from '../config.js';
import { awaitReady, connectFailFast, createNonceStore } from '../redis/nonces.js';
import { createAuthenticator, type Credentials } from './authenticate.js';
import type { AuthDeps } from './deps.js';
import { createAuthLimiter, defaultAuthLimits, type AuthLimits } from './limits.js';
import type { Principal } from './principal.js';
import { createRecover } from './recover.js';
import { createContractWalletVerifier } from './smart-wallet.js';

/** Authentication of customers, ready to use. */
export interface Auth extends AuthDeps {
  authenticate: (request: Credentials) => Promise<Principal | undefined>;
  /** Closes its connection to Redis; the pool is not its own. */
  close(): void;
}

export interface AuthOptions {
  config: Config;
  pool: Pool;
  limits?: Partial<AuthLimits>;
  /** What a proxy takes off the front of the request target, such as `/broker`. */
  targetPrefix?: string;
  /** Unix milliseconds; for tests. */
  now?: () => number;
}

/**
 * Opens authentication with a connection to Redis of its own, which fails fast: a signed request is answered with 503
 * at once while Redis is away, and never waits with the others in a queue.
 */
export async function createAuth({ config, pool, limits, targetPrefix = '', now = Date.now }: AuthOptions): Promise<Auth> {
  const redis = connectFailFast(config);
  await awaitReady(redis);
  const allLimits = { ...defaultAuthLimits, ...limits };
  const deps: AuthDeps = {
    config,
    pool,
    nonces: createNonceStore(redis),
    limits: allLimits,
    limiter: createAuthLimiter(redis, allLimits),
    recover: createRecover(),
    ...(config.AUTH_SMART_WALLETS && config.AUTH_RPC_URL !== undefined
      ? { verifyContractWallet: createContractWalletVerifier(config.AUTH_RPC_URL) }
      : {}),
    targetPrefix,
    now,
  };
  return { ...deps, authenticate: createAuthenticator(deps), close: () => redis.disconnect() };
}
