import { createApi } from '../api/app.js';
import { brokerRoutes } from '../api/routes/index.js';
import { createLimiter } from '../api/limiter.js';
import { startApiServer } from '../api/server.js';
import { createAuth } from '../auth/customers/auth.js';
import { orStopped } from '../lifecycle.js';
import { closeRedis } from '../redis/connection.js';
import { awaitReady, connectFailFast } from '../redis/nonces.js';
import { createJobCommands } from '../temporal/jobs.js';
import { createOversight } from '../temporal/oversight.js';
import { createProviderCommands } from '../temporal/provider-commands.js';
import { createProviderSignals } from '../temporal/providers.js';
import type { StartRole } from './role.js';

/** Serves customers, operators and the providers that connect over HTTPS. */
export const start: StartRole = async ({ config, logger, stop, pool, temporal, readiness }) => {
  const redis = connectFailFast(config, {}, logger);
  await orStopped(stop, awaitReady(redis));
  const auth = createAuth({ config, pool, redis });
  const limiter = createLimiter({ config, redis });
  const { registrationReceived, miningChanged, placementChanged } = createProviderSignals(temporal, config);
  const app = createApi({
    config,
    logger,
    authenticate: auth.authenticate,
    limiter,
    routes: brokerRoutes({
      config,
      logger,
      pool,
      jobs: createJobCommands(temporal, config),
      health: readiness,
      redis,
      auth,
      limiter,
      providers: createProviderCommands(temporal, config),
      announceRegistration: registrationReceived,
      announceMining: miningChanged,
      announcePlacement: placementChanged,
      oversight: createOversight(temporal),
    }),
  });
  const server = await startApiServer(app, config);
  logger.info({ port: server.address.port }, 'the API is listening');
  return {
    checks: { redis: () => redis.ping() },
    async stop() {
      await server.stop((config.SHUTDOWN_GRACE_S * 1000) / 2);
      closeRedis(redis);
    },
  };
};
