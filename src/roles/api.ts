import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createApi } from '../api/app.js';
import { createEventStreams } from '../api/event-streams.js';
import { brokerRoutes } from '../api/routes/index.js';
import { createLimiter } from '../api/limiter.js';
import { startApiServer } from '../api/server.js';
import { siteResolver } from '../api/resolve-image.js';
import { readStaticPages, type StaticPages } from '../api/static-pages.js';
import { createAuth } from '../auth/customers/auth.js';
import { connectKubernetes, isReachable } from '../kubernetes/client.js';
import { readPodLog } from '../kubernetes/job-log.js';
import type { Config } from '../config.js';
import type { ReadLog } from '../domain/job-log.js';
import { orStopped } from '../lifecycle.js';
import type { Logger } from '../observability/logger.js';
import { closeRedis } from '../redis/connection.js';
import { awaitReady, connectFailFast } from '../redis/nonces.js';
import { createJobCommands, createKeyAnnouncement } from '../temporal/jobs.js';
import { createOversight } from '../temporal/oversight.js';
import { createProviderCommands } from '../temporal/provider-commands.js';
import { createProviderSignals } from '../temporal/providers.js';
import { upkeepClient } from '../temporal/upkeep.js';
import { createVaultCommands } from '../temporal/vault-commands.js';
import type { StartRole } from './role.js';
import { useAsker } from './use-asker.js';

/** Serves customers, operators and the providers that connect over HTTPS. */
export const start: StartRole = async ({ config, logger, stop, pool, temporal, readiness }) => {
  const redis = connectFailFast(config, {}, logger);
  await orStopped(stop, awaitReady(redis));
  const auth = createAuth({ config, pool, redis });
  const limiter = createLimiter({ config, redis });
  const { registrationReceived, miningChanged, placementChanged } = createProviderSignals(temporal, config);
  const streams = createEventStreams({ pool, config, logger });
  const app = createApi({
    config,
    logger,
    authenticate: auth.authenticate,
    limiter,
    ...pagesOf(logger),
    routes: brokerRoutes({
      config,
      logger,
      pool,
      jobs: createJobCommands(temporal, config),
      images: siteResolver(config),
      streams,
      readLog: logReader(config),
      askUse: useAsker(config, pool),
      health: readiness,
      redis,
      auth,
      limiter,
      providers: createProviderCommands(temporal, config),
      vault: createVaultCommands(temporal, config),
      announceRegistration: registrationReceived,
      announceMining: miningChanged,
      announcePlacement: placementChanged,
      announceKeys: createKeyAnnouncement(temporal),
      oversight: createOversight(temporal, upkeepClient(temporal, config)),
    }),
  });
  const server = await startApiServer(app, config);
  logger.info({ port: server.address.port }, 'the API is listening');
  return {
    checks: { redis: () => redis.ping() },
    async stop() {
      // They never end by themselves, and the server waits for what it has begun.
      await streams.stop();
      await server.stop((config.SHUTDOWN_GRACE_S * 1000) / 2);
      closeRedis(redis);
    },
  };
};

/** The one thing that the API asks of Kubernetes, with an account of its own that may do nothing else. */
function logReader(config: Config): ReadLog | undefined {
  if (!isReachable(config)) return undefined;
  const kubernetes = connectKubernetes(config);
  return async (query, signal) => await readPodLog(kubernetes, query, signal);
}

/** Beside the compiled program. A program that runs from its sources has none, and needs none. */
function pagesOf(logger: Logger): { pages?: StaticPages } {
  const folder = fileURLToPath(new URL('../../pages', import.meta.url));
  if (existsSync(folder)) return { pages: readStaticPages(folder) };
  logger.warn({ folder }, 'there is no documentation and no console here: run the build');
  return {};
}
