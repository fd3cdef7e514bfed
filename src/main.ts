import { collectDefaultMetrics } from 'prom-client';
import { warnWhileInsecure } from './auth/insecure-warning.js';
import { ConfigError, readConfig, type Config, type Role } from './config.js';
import { migrate } from './db/migrate.js';
import { createPool } from './db/pool.js';
import { untilAvailable, untilSignalled } from './lifecycle.js';
import { startMetricsListener, type Readiness } from './observability/listener.js';
import { createLogger } from './observability/logger.js';
import { register } from './observability/metrics.js';
import { askAll, type Check } from './observability/readiness.js';
import type { RunningRole, StartRole } from './roles/role.js';
import { checkTemporal, connectTemporal, ensureSearchAttributes } from './temporal/client.js';

/**
 * In the order in which they start; they stop in the reverse order, customers first. A process loads what its roles need
 * and no more: the client of Kubernetes and the worker of Temporal are most of what a process holds in memory.
 */
const roles: Record<Role, () => Promise<{ start: StartRole }>> = {
  worker: () => import('./roles/worker.js'),
  relay: () => import('./roles/relay.js'),
  watcher: () => import('./roles/watcher.js'),
  api: () => import('./roles/api.js'),
};

await main(readOrExit());

async function main(config: Config): Promise<void> {
  const wanted = (Object.keys(roles) as Role[]).filter((role) => config.BROKER_ROLES.includes(role));
  const logger = createLogger(config, wanted.length === 1 ? wanted[0] : 'broker');
  const signalled = untilSignalled();
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
    if (running.length < wanted.length) answers['process'] = { ok: false, detail: 'is starting' };
    if (stopping) answers['process'] = { ok: false, detail: 'is being stopped' };
    return answers;
  };
  const metrics = config.METRICS_PORT === 0 ? undefined : await startMetricsListener(config, register, readiness);
  for (const role of wanted) {
    const { start } = await roles[role]();
    running.push(await start({ config, logger, pool, temporal, readiness }));
  }
  logger.info({ roles: wanted }, 'running');

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
