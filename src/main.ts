import { collectDefaultMetrics } from 'prom-client';
import { createActivities } from '../activities/index.js';
import { createApi } from './api/app.js';
import { brokerRoutes } from './api/broker-routes.js';
import { createLimiter } from './api/limiter.js';
import { startApiServer } from './api/server.js';
import { createAuth } from './auth/auth.js';
import { warnWhileInsecure } from './auth/insecure-warning.js';
import { createProviderVerifier } from './auth/provider-identity.js';
import { createRecover } from './auth/recover.js';
import { ConfigError, readConfig, type Config, type Role } from './config.js';
import { migrate } from './db/migrate.js';
import { createPool } from './db/pool.js';
import { connectKubernetes } from './kubernetes/client.js';
import { clusterInfo } from './kubernetes/cluster-info.js';
import { ensureClusterObjects } from './kubernetes/cluster-objects.js';
import { startWatcher } from './kubernetes/watcher.js';
import { untilAvailable, untilSignalled } from './lifecycle.js';
import { startMetricsListener, type Readiness } from './observability/listener.js';
import { createLogger, type Logger } from './observability/logger.js';
import { register } from './observability/metrics.js';
import { askAll, type Check } from './observability/readiness.js';
import { createRedis } from './redis/connection.js';
import { awaitReady, connectFailFast } from './redis/nonces.js';
import { startRelay } from './redis/relay/relay.js';
import { checkTemporal, connectTemporal, ensureSearchAttributes } from './temporal/client.js';
import { createJobCommands } from './temporal/jobs.js';
import { createProviderCommands } from './temporal/provider-commands.js';
import { createProviderSignals } from './temporal/providers.js';
import { ensureSchedules, reconcileNow } from './temporal/schedules.js';
import { installRuntime, startWorker } from './temporal/worker.js';
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';

/** What every role of a process uses. */
interface Shared {
  config: Config;
  logger: Logger;
  pool: Pool;
  temporal: Client;
  /** Whether the process can do its work: what it depends on and what it runs, each by name. */
  readiness: () => Promise<Readiness>;
}

/** A role that runs. */
interface RunningRole {
  /** Systems that this role needs and others do not. */
  checks?: Record<string, Check>;
  ready?(): Readiness;
  /** Takes nothing new, finishes what it has begun, and closes its connections. */
  stop(): Promise<void>;
}

/** In the order in which they start; they stop in the reverse order, customers first. */
const starters: Record<Role, (shared: Shared) => Promise<RunningRole>> = {
  async worker({ config, logger, pool, temporal }) {
    const kubernetes = connectKubernetes(config);
    const redis = createRedis(config, { blocking: false, name: 'worker', logger });
    await untilAvailable(logger, 'Kubernetes', () => ensureClusterObjects(kubernetes, logger));
    await untilAvailable(logger, 'Temporal', () => ensureSchedules(temporal, config));
    const info = clusterInfo(kubernetes, config);
    const activities = createActivities({ config, pool, redis, kubernetes, clusterInfo: info, temporal, logger });
    const worker = await untilAvailable(logger, 'Temporal', () => startWorker(config, activities, temporal, logger));
    await untilAvailable(logger, 'Temporal', () => reconcileNow(temporal));
    return {
      checks: { redis: () => redis.ping(), kubernetes: () => kubernetes.version.getCode() },
      ready: () => ({ worker: worker.ready() }),
      async stop() {
        await worker.stop();
        redis.disconnect();
      },
    };
  },

  async relay({ config, logger, pool, temporal }) {
    const redis = createRedis(config, { blocking: false, name: 'provider-identity', logger });
    const verifier = createProviderVerifier({ config, pool, redis, recover: createRecover({ maxWaiting: Infinity }) });
    const relay = startRelay({ config, pool, temporal, logger, verifier });
    return {
      ready: () => relay.ready(),
      async stop() {
        await relay.stop();
        redis.disconnect();
      },
    };
  },

  async watcher({ config, logger, pool, temporal }) {
    const kubernetes = connectKubernetes(config);
    const watcher = startWatcher({ kubernetes, temporal, pool, logger });
    return { checks: { kubernetes: () => kubernetes.version.getCode() }, ...watcher };
  },

  async api({ config, logger, pool, temporal, readiness }) {
    const redis = connectFailFast(config);
    await awaitReady(redis);
    const auth = createAuth({ config, pool, redis });
    const { registrationReceived, miningChanged } = createProviderSignals(temporal, config);
    const app = createApi({
      config,
      logger,
      pool,
      jobs: createJobCommands(temporal, config),
      authenticate: auth.authenticate,
      limiter: createLimiter({ config, redis }),
      health: readiness,
      routes: brokerRoutes({
        config,
        pool,
        redis,
        auth,
        providers: createProviderCommands(temporal, config),
        announceRegistration: registrationReceived,
        announceMining: miningChanged,
      }),
    });
    const server = await startApiServer(app, config);
    logger.info({ port: server.address.port }, 'the API is open');
    return {
      checks: { redis: () => redis.ping() },
      async stop() {
        await server.stop((config.SHUTDOWN_GRACE_S * 1000) / 2);
        redis.disconnect();
      },
    };
  },
};

await main(readOrExit());

async function main(config: Config): Promise<void> {
  const roles = (Object.keys(starters) as Role[]).filter((role) => config.BROKER_ROLES.includes(role));
  const logger = createLogger(config, roles.length === 1 ? roles[0] : 'broker');
  const signalled = untilSignalled();
  installRuntime(logger);
  collectDefaultMetrics();

  const pool = createPool(config, (error) => logger.warn({ err: error }, 'an idle database connection broke'));
  await untilAvailable(logger, 'Postgres', () => migrate(config, (line) => logger.debug(line)));
  const temporal = await untilAvailable(logger, 'Temporal', () => connectTemporal(config));
  await untilAvailable(logger, 'Temporal', () => ensureSearchAttributes(temporal));

  const stopWarning = warnWhileInsecure(config, logger);

  const running: RunningRole[] = [];
  let stopping = false;
  const readiness = async (): Promise<Readiness> => {
    const checks: Record<string, Check> = {
      postgres: () => pool.query('select 1'),
      temporal: () => checkTemporal(temporal),
    };
    for (const role of running) Object.assign(checks, role.checks);
    const answers = await askAll(checks);
    for (const role of running) Object.assign(answers, role.ready?.());
    // What has not started yet cannot say that it is not ready.
    if (running.length < roles.length) answers['process'] = { ok: false, detail: 'is starting' };
    if (stopping) answers['process'] = { ok: false, detail: 'is being stopped' };
    return answers;
  };
  const metrics = config.METRICS_PORT === 0 ? undefined : await startMetricsListener(config, register, readiness);
  for (const role of roles) running.push(await starters[role]({ config, logger, pool, temporal, readiness }));
  logger.info({ roles }, 'running');

  const signal = await signalled;
  // From here on nobody new is sent to this process.
  stopping = true;
  logger.info({ signal, graceS: config.SHUTDOWN_GRACE_S }, 'stopping');
  setTimeout(() => {
    logger.error('not everything was finished in time; what is left is done again by others');
    process.exit(1);
  }, config.SHUTDOWN_GRACE_S * 1000).unref();
  for (const role of running.reverse()) await role.stop();
  stopWarning();
  await metrics?.stop();
  await temporal.connection.close();
  await pool.end();
  logger.info('stopped');
  process.exit(0);
}

/** An environment that is not acceptable ends the process with a sentence, not with a stack. */
function readOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    // EX_CONFIG of sysexits.h: trying again without a change is of no use.
    process.exit(78);
  }
}
