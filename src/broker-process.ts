import { collectDefaultMetrics } from 'prom-client';
import { warnWhileInsecure } from './auth/providers/insecure-warning.js';
import { ConfigError, readConfig, type Config, type Role } from './config.js';
import { migrate } from './db/migrate.js';
import { createPool } from './db/pool.js';
import { orStopped, StopRequested, untilAvailable } from './lifecycle.js';
import { startMetricsListener, type Readiness } from './observability/listener.js';
import { createLogger, type Logger } from './observability/logger.js';
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
  authorizer: () => import('./roles/authorizer.js'),
  api: () => import('./roles/api.js'),
};

/**
 * Runs the roles that the environment names until the process is told to stop, and ends the process: with 0 when it did
 * what it was told, at whatever moment of its life that came. A start that was given up is no failure, and leaves nothing
 * undone that anybody waits for.
 */
export async function runBroker(stop: AbortSignal): Promise<void> {
  const config = readOrExit();
  const wanted = (Object.keys(roles) as Role[]).filter((role) => config.BROKER_ROLES.includes(role));
  const logger = createLogger(config, wanted.length === 1 ? wanted[0] : 'broker');
  boundStop(stop, config, logger);
  collectDefaultMetrics();

  const running: RunningRole[] = [];
  /** What was opened, in the order in which it is closed. */
  const closing: (() => unknown)[] = [];
  try {
    await start({ config, logger, stop, wanted, running, closing });
    logger.info({ roles: wanted }, 'running');
    await orStopped(stop, new Promise<never>(() => undefined));
  } catch (error) {
    if (!(error instanceof StopRequested)) throw error;
  }
  for (const role of running.reverse()) await role.stop();
  for (const close of closing) await close();
  logger.info('stopped');
  process.exit(0);
}

interface Starting {
  config: Config;
  logger: Logger;
  stop: AbortSignal;
  wanted: readonly Role[];
  running: RunningRole[];
  closing: (() => unknown)[];
}

/** Waits for what every role needs, then starts one role after the other. */
async function start({ config, logger, stop, wanted, running, closing }: Starting): Promise<void> {
  const waiting = { logger, stop };
  const pool = createPool(config, (error) => logger.warn({ err: error }, 'an idle database connection broke'));
  closing.unshift(() => pool.end());
  await untilAvailable(waiting, 'Postgres', () => migrate(config, (line) => logger.debug(line)));
  const temporal = await untilAvailable(waiting, 'Temporal', () => connectTemporal(config));
  closing.unshift(() => temporal.connection.close());
  await untilAvailable(waiting, 'Temporal', () => ensureSearchAttributes(temporal));
  closing.unshift(warnWhileInsecure(config, logger));

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
    // Nobody new is sent to a process that is on its way out.
    if (stop.aborted) answers['process'] = { ok: false, detail: 'is being stopped' };
    return answers;
  };
  if (config.METRICS_PORT !== 0) {
    const metrics = await startMetricsListener(config, register, readiness);
    closing.unshift(() => metrics.stop());
  }
  for (const role of wanted) {
    const { start: startRole } = await roles[role]();
    stop.throwIfAborted();
    running.push(await startRole({ config, logger, stop, pool, temporal, readiness }));
  }
}

/** However much hangs: the process ends with the grace that it has. */
function boundStop(stop: AbortSignal, { SHUTDOWN_GRACE_S: graceS }: Config, logger: Logger): void {
  const onStop = () => {
    logger.info({ signal: (stop.reason as StopRequested).signal, graceS }, 'stopping');
    setTimeout(() => {
      logger.error('not everything was finished in time; what is left is done again by others');
      process.exit(1);
    }, graceS * 1000).unref();
  };
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
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
