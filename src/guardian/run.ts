import { setTimeout as sleep } from 'node:timers/promises';
import { orStopped, StopRequested, untilAvailable } from '../lifecycle.js';
import { createLogger } from '../observability/logger.js';
import { SetupError, type GuardianSettings } from './config.js';
import { openGuardian } from './open.js';
import { serveStatus } from './status.js';

/** Guards until it is told to stop. */
export async function runGuardian(settings: GuardianSettings, stop: AbortSignal): Promise<void> {
  const logger = createLogger({ LOG_LEVEL: settings.logLevel }, 'guardian');
  const { chainId, vault, address, pollS } = settings;
  const opened = await untilAvailable({ logger, stop }, 'the chain', () => openGuardian(settings, logger));
  const listener = await serveStatus(opened.status, settings);
  logger.info({ chainId, vault, guardian: address, status: listener.address }, 'the guardian watches the vault');
  try {
    for (;;) {
      try {
        await orStopped(stop, opened.guard.look());
      } catch (error) {
        if (error instanceof StopRequested || error instanceof SetupError) throw error;
        opened.status.alarm('failure');
        logger.error({ err: error }, 'a look at the vault failed');
      }
      await orStopped(stop, sleep(pollS * 1_000));
    }
  } catch (error) {
    if (!(error instanceof StopRequested)) throw error;
    logger.info({ signal: error.signal }, 'the guardian stops');
  } finally {
    await opened.broker.end();
    await listener.stop();
  }
}
