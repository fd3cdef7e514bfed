import type { Logger } from 'pino';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Auth } from '../../auth/customers/auth.js';
import { contractOwners } from '../../auth/providers/contract-owners.js';
import { createProviderVerifier } from '../../auth/providers/identity.js';
import type { Config } from '../../config.js';
import type { EventStreams } from '../event-streams.js';
import type { JobCommands } from '../job-commands.js';
import type { LogStreamLimits } from '../job-log-stream.js';
import type { Limiter } from '../limiter.js';
import type { Oversight } from '../oversight.js';
import type { ProviderCommands } from '../provider-commands.js';
import type { RouteRule } from '../route.js';
import type { VaultCommands } from '../vault-commands.js';
import { adminOverviewRoutes } from './admin-overview.js';
import { adminProviderListRoutes } from './admin-provider-list.js';
import { adminRecordRoutes } from './admin-records.js';
import { adminProviderRoutes, type AdminProviderDeps } from './admin-providers.js';
import { adminBlockRoutes } from './admin-blocks.js';
import { adminJobRoutes } from './admin-jobs.js';
import { adminMoneyRoutes } from './admin-money.js';
import { adminTenantRoutes } from './admin-tenants.js';
import { authRoutes } from './auth.js';
import { billingRoutes } from './billing.js';
import { depositRoutes } from './deposits.js';
import { eventRoutes } from './events.js';
import { frontRoutes } from './front.js';
import { healthRoutes, type Health } from './health.js';
import { jobKeyRoutes, type JobKeyDeps } from './job-keys.js';
import type { ReadLog } from '../../domain/job-log.js';
import type { AskUse } from '../../domain/job-use.js';
import { jobLogRoutes } from './job-logs.js';
import { jobUseRoutes } from './job-use.js';
import { jobRoutes } from './jobs.js';
import { marketRoutes } from './market.js';
import { leftDelegationRoutes } from './left-delegations.js';
import { miningRoutes, type MiningRouteDeps } from './mining.js';
import { offerRoutes } from './offers.js';
import { providerMessageRoutes } from './provider-messages.js';
import { ownerProviderRoutes } from './owner-providers.js';
import { providerPriceRoutes } from './provider-prices.js';
import { providerOperationRoutes } from './provider-operations.js';
import { providerRoutes } from './providers.js';
import { monthlyCapRoutes } from './monthly-cap.js';
import { payoutRoutes } from './payouts.js';
import { receiptRoutes } from './receipts.js';
import { quoteRoutes } from './quotes.js';
import { adminKeyRoutes, siteRoutes } from './site.js';
import { settlementEvidenceRoutes } from './settlement-evidence.js';
import { settlementRoutes } from './settlements.js';
import { sshKeyRoutes } from './ssh-keys.js';
import { templateRoutes } from './templates.js';
import { walletMoneyRoutes } from './wallet-money.js';
import type { ImageResolver } from '../../registry/resolver.js';
import type { ApprovalDeps } from '../../auth/providers/approval.js';

/** What the routes work with; the role creates it once. */
export interface BrokerRouteDeps {
  logger: Logger;
  config: Config;
  pool: Pool;
  jobs: JobCommands;
  /** Looks images up in their registries. */
  images: ImageResolver;
  streams: EventStreams;
  /** Reads the log of a running job; absent where the API may not ask the cluster. */
  readLog?: ReadLog | undefined;
  /** Asks a job's machine what it uses; absent where the broker does not reach the SSH ports of machines. */
  askUse?: AskUse | undefined;
  /** For tests. */
  logLimits?: LogStreamLimits;
  /** Checks the systems that the API depends on, each by name, for `GET /ready`. */
  health: Health;
  /** A connection that fails fast. */
  redis: Redis;
  auth: Auth;
  limiter: Limiter;
  providers: ProviderCommands;
  announceRegistration: ApprovalDeps['announceRegistration'];
  announceMining: MiningRouteDeps['announceMining'];
  announcePlacement: AdminProviderDeps['announcePlacement'];
  announceKeys: JobKeyDeps['announceKeys'];
  /** Asks workers for signatures of the vault’s operator. */
  vault: VaultCommands;
  /** What operators ask of Temporal. */
  oversight: Oversight;
}

/** Every route of the broker. A new one is added here, and appears in the OpenAPI document. */
export function brokerRoutes(deps: BrokerRouteDeps): RouteRule[] {
  const { config, pool, redis, auth, limiter, providers, announceRegistration, announceMining, announcePlacement } =
    deps;
  const { recover } = auth;
  const owners = { recover, ...contractOwners(pool, auth.verifyContractWallet) };
  const verifier = createProviderVerifier({ config, pool, ...owners });
  const routes = [
    ...frontRoutes(config),
    ...healthRoutes(deps.health),
    ...providerRoutes(deps),
    ...offerRoutes({ pool, config }),
    ...marketRoutes({ pool, config }),
    ...quoteRoutes({ pool, config }),
    ...templateRoutes({ config }),
    ...jobRoutes(deps),
    ...jobKeyRoutes(deps),
    ...eventRoutes(deps),
    ...jobLogRoutes(deps),
    ...jobUseRoutes(deps),
    ...sshKeyRoutes({ pool }),
    ...billingRoutes({ pool }),
    ...walletMoneyRoutes({ pool, config }),
    ...depositRoutes({ pool, config, recover, vault: deps.vault }),
    ...settlementRoutes({ pool, config }),
    ...monthlyCapRoutes({ pool }),
    ...receiptRoutes({ pool, config }),
    ...settlementEvidenceRoutes({ pool, config }),
    ...payoutRoutes({ pool }),
    ...authRoutes(auth),
    ...providerMessageRoutes({ config, pool, redis, recover, verifier, limiter }),
    ...leftDelegationRoutes({ config, pool, limiter, ...owners }),
    ...adminProviderRoutes({ config, pool, ...owners, announceRegistration, announcePlacement, logger: deps.logger }),
    ...adminTenantRoutes({ pool }),
    ...adminJobRoutes(deps),
    ...adminMoneyRoutes({ pool }),
    ...adminBlockRoutes({ pool, config }),
    ...adminOverviewRoutes(deps),
    ...adminRecordRoutes({ pool, redis }),
    ...adminProviderListRoutes({ config, pool }),
    ...adminKeyRoutes({ pool, config }),
    ...providerOperationRoutes({ config, pool, providers }),
    ...ownerProviderRoutes({ pool, config }),
    ...providerPriceRoutes({ pool, config, logger: deps.logger, announcePlacement }),
    ...miningRoutes({ config, pool, announceMining }),
  ];
  return [...routes, ...siteRoutes({ pool, config }, routes)];
}
