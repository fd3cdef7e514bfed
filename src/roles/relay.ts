import { createProviderVerifier } from '../auth/provider-identity.js';
import { createRecover } from '../auth/recover.js';
import { closeRedis, createRedis } from '../redis/connection.js';
import { startRelay } from '../redis/relay/relay.js';
import type { StartRole } from './role.js';

/** Reads what providers write to the streams. */
export const start: StartRole = async ({ config, logger, pool, temporal }) => {
  const redis = createRedis(config, { blocking: false, name: 'provider-identity', logger });
  const verifier = createProviderVerifier({ config, pool, redis, recover: createRecover({ maxWaiting: Infinity }) });
  const relay = startRelay({ config, pool, temporal, logger, verifier });
  return {
    ready: () => relay.ready(),
    async stop() {
      await relay.stop();
      closeRedis(redis);
    },
  };
};
