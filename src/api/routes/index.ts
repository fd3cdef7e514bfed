import type { Logger } from 'pino';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Auth } from '../../auth/customers/auth.js';
import { createProviderVerifier } from '../../auth/providers/identity.js';
import type { Config } from '../../config.js';
import type { ApiDeps } from '../deps.js';
import type { Limiter } from '../limiter.js';
import type { ProviderCommands } from '../provider-commands.js';
import type { RouteRule } from '../route.js';
import { adminProviderRoutes, type AdminProviderDeps } from './admin-providers.js';
import { adminJobRoutes } from './admin-jobs.js';
import { adminTenantRoutes } from './admin-tenants.js';
import { authRoutes } from './auth.js';
import { healthRoutes } from './health.js';
import { jobRoutes } from './jobs.js';
import { miningRoutes, type MiningRouteDeps } from './mining.js';
import { openapiRoute } from './openapi.js';
import { providerMessageRoutes } from './provider-messages.js';
import { providerOperationRoutes } from './provider-operations.js';
import { providerRoutes } from './providers.js';
import { adminKeyRoutes, siteRoutes } from './site.js';
import type { ApprovalDeps } from '../../auth/providers/approval.js';

/** Every route of an API; the OpenAPI document comes last. */
export function apiRules(deps: ApiDeps): RouteRule[] {
  const described = [...healthRoutes(deps.health), ...providerRoutes(deps), ...jobRoutes(deps), ...deps.routes];
  return [...described, openapiRoute(described, deps.config)];
}

export interface BrokerRouteDeps {
  logger: Logger;
  config: Config;
  pool: Pool;
  /** A connection that fails fast. */
  redis: Redis;
  auth: Auth;
  limiter: Limiter;
  providers: ProviderCommands;
  announceRegistration: ApprovalDeps['announceRegistration'];
  announceMining: MiningRouteDeps['announceMining'];
  announcePlacement: AdminProviderDeps['announcePlacement'];
}

/**
 * The broker's own routes, besides those of every API: everything that `main` serves, and everything that tests try.
 */
export function brokerRoutes(deps: BrokerRouteDeps): RouteRule[] {
  const { config, pool, redis, auth, limiter, providers, announceRegistration, announceMining, announcePlacement } =
    deps;
  const { recover } = auth;
  const verifier = createProviderVerifier({ config, pool, recover });
  return [
    ...authRoutes(auth),
    ...providerMessageRoutes({ config, pool, redis, recover, verifier, limiter }),
    ...adminProviderRoutes({ config, pool, recover, announceRegistration, announcePlacement, logger: deps.logger }),
    ...adminTenantRoutes({ pool }),
    ...adminJobRoutes({ pool }),
    ...siteRoutes({ pool }),
    ...adminKeyRoutes({ pool, config }),
    ...providerOperationRoutes({ config, pool, providers }),
    ...miningRoutes({ config, pool, announceMining }),
  ];
}
