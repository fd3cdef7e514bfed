import type { Client } from '@temporalio/client';
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
import { ensureUpkeepNamespace, upkeepClient } from './temporal/upkeep.js';

/**
 * The roles in the order they start. They stop in reverse order, so the API stops first. A process loads only the code
 * its roles need: the Kubernetes client and the Temporal worker make up most of a process's memory.
 */
const roles: Record<Role, () => Promise<{ start: StartRole }>> = {
  worker: () => import('./roles/worker.js'),
  relay: () => import('./roles/relay.js'),
  watcher: () => import('./roles/watcher.js'),
  authorizer: () => import('./roles/authorizer.js'),
  api: () => import('./roles/api.js'),
};

/**
 * Runs the configured roles until the process is told to stop, then exits with 0, even when the stop came during
 * startup: an abandoned start is not a failure and leaves no unfinished work behind.
 */
export async function runBroker(stop: AbortSignal): Promise<void> {
  const config = readOrExit();
  const wanted = (Object.keys(roles) as Role[]).filter((role) => config.BROKER_ROLES.includes(role));
  const logger = createLogger(config, wanted.length === 1 ? wanted[0] : 'broker');
  boundStop(stop, config, logger);
  collectDefaultMetrics();

  const running: RunningRole[] = [];
  /** Functions that close what was opened, in the order to call them. */
  const closing: (() => unknown)[] = [];
  try {
    await start({ config, logger, stop, wanted, running, closing });
    logger.info({ roles: wanted }, 'running');
    await orStopped(stop, new Promise<never>(() => undefined));
  } catch (error) {
    if (error instanceof ConfigError) refuse(error);
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

/** Waits for the systems every role needs, then starts the roles one after the other. */
async function start({ config, logger, stop, wanted, running, closing }: Starting): Promise<void> {
  const waiting = { logger, stop };
  const pool = createPool(config, (error) => logger.warn({ err: error }, 'an idle database connection was lost'));
  closing.unshift(() => pool.end());
  const connected: { temporal?: Client } = {};
  const readiness = async (): Promise<Readiness> => {
    const checks: Record<string, Check> = {
      postgres: () => pool.query('select 1'),
      temporal: async () => {
        if (connected.temporal === undefined) throw new Error('there is no connection yet');
        await checkTemporal(connected.temporal);
      },
    };
    for (const role of running) Object.assign(checks, role.checks);
    const answers = await askAll(checks);
    for (const role of running) Object.assign(answers, role.ready?.());
    // A role that has not started yet cannot report that it is not ready.
    if (running.length < wanted.length) answers['process'] = { ok: false, detail: 'is starting' };
    // A stopping process must get no new traffic.
    if (stop.aborted) answers['process'] = { ok: false, detail: 'is stopping' };
    return answers;
  };
  // Before anything is waited for: a process that waits for Postgres lives, and a restart would not help it.
  if (config.METRICS_PORT !== 0) {
    const metrics = await startMetricsListener(config, register, readiness);
    closing.unshift(() => metrics.stop());
  }
  const temporal = await untilAvailable(waiting, 'Temporal', () => connectTemporal(config));
  connected.temporal = temporal;
  closing.unshift(() => temporal.connection.close());
  // It may be refused, and then nothing has been changed: workers of an older version go on.
  if (wanted.includes('worker')) {
    await untilAvailable(waiting, 'Temporal', () => ensureUpkeepNamespace(upkeepClient(temporal, config)));
  }
  await untilAvailable(waiting, 'Postgres', () => migrate(config, (line) => logger.debug(line)));
  await untilAvailable(waiting, 'Temporal', () => ensureSearchAttributes(temporal));
  closing.unshift(warnWhileInsecure(config, logger));
  for (const role of wanted) {
    const { start: startRole } = await roles[role]();
    stop.throwIfAborted();
    running.push(await startRole({ config, logger, stop, pool, temporal, readiness }));
  }
}

/** Ends the process after its grace period even if something hangs. */
function boundStop(stop: AbortSignal, { SHUTDOWN_GRACE_S: graceS }: Config, logger: Logger): void {
  const onStop = () => {
    logger.info({ signal: (stop.reason as StopRequested).signal, graceS }, 'stopping');
    setTimeout(() => {
      logger.error('not all work finished in time; other processes will redo the rest');
      process.exit(1);
    }, graceS * 1000).unref();
  };
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
}

/** Reads the configuration. An invalid one ends the process with a sentence instead of a stack trace. */
function readOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuse(error);
  }
}

function refuse({ message }: ConfigError): never {
  console.error(message);
  // EX_CONFIG of sysexits.h: a restart without a change cannot succeed.
  process.exit(78);
}
