import type { Pool } from 'pg';
import { createChainActivities } from '../../../activities/chain.js';
import { openVault } from '../../chain/open-vault.js';
import type { Config } from '../../config.js';
import { chainSettings } from '../../config/chain.js';
import { payInAdvance, payLater } from '../../db/payment-mode.js';
import { untilAvailable } from '../../lifecycle.js';
import type { Logger } from '../../observability/logger.js';
import { startChainWorker } from '../../temporal/chain-worker.js';

/**
 * Opens the vault of a site with a chain, and serves the chain’s task queue once the vault has been found to be the one
 * that is configured. On other sites customers pay later.
 *
 * @returns a function that stops it.
 * @throws ConfigError
 */
export async function startChain(
  config: Config,
  pool: Pool,
  waiting: { logger: Logger; stop: AbortSignal },
): Promise<() => Promise<void>> {
  const settings = chainSettings(config);
  const { logger } = waiting;
  await untilAvailable(waiting, 'Postgres', () => (settings === undefined ? payLater : payInAdvance)(pool));
  if (settings === undefined) return async () => undefined;
  const { checked, rpcs } = await openVault(settings, waiting);
  const started = checked.then((facts) =>
    startChainWorker(
      config,
      createChainActivities({ settings, facts, rpcs, pool, logger, pollS: settings.pollS }),
      logger,
    ),
  );
  started.catch((error: unknown) => {
    if (waiting.stop.aborted) return;
    logger.fatal({ err: error }, 'the chain cannot be served');
    // Its supervisor starts the process again, which is then refused with a sentence if the vault is wrong.
    process.kill(process.pid, 'SIGTERM');
  });
  return async () => {
    const stop = await started.catch(() => undefined);
    await stop?.();
  };
}
