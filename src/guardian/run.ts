import { setTimeout as sleep } from 'node:timers/promises';
import { orStopped, StopRequested, untilAvailable } from '../lifecycle.js';
import { createLogger, type Logger } from '../observability/logger.js';
import { SetupError, type GuardianSettings } from './config.js';
import type { Guard } from './guard.js';
import { beginGuardian, openGuardian } from './open.js';
import { serveStatus, type Status } from './status.js';

/** Guards until it is told to stop. Its state is served from the beginning: whoever watches it sees what it waits for. */
export async function runGuardian(settings: GuardianSettings, stop: AbortSignal): Promise<void> {
  const logger = createLogger({ LOG_LEVEL: settings.logLevel }, 'guardian');
  const { chainId, vault, address } = settings;
  const begun = beginGuardian(settings);
  begun.status.part('chain', 'the vault was not looked at yet');
  const listener = await serveStatus(begun.status, settings);
  let end: (() => Promise<void>) | undefined;
  try {
    const { guard, broker } = await untilAvailable({ logger, stop }, 'the chain', () =>
      openGuardian(settings, logger, { begun }),
    );
    end = () => broker.end();
    logger.info({ chainId, vault, guardian: address, status: listener.address }, 'the guardian watches the vault');
    await lookAgain({ guard, status: begun.status, logger }, settings, stop);
  } catch (error) {
    if (!(error instanceof StopRequested)) throw error;
    logger.info({ signal: error.signal }, 'the guardian stops');
  } finally {
    await end?.();
    await listener.stop();
  }
}

async function lookAgain(
  { guard, status, logger }: { guard: Guard; status: Status; logger: Logger },
  { pollS }: GuardianSettings,
  stop: AbortSignal,
): Promise<never> {
  for (;;) {
    try {
      await orStopped(stop, guard.look());
    } catch (error) {
      if (error instanceof StopRequested || error instanceof SetupError) throw error;
      status.alarm('failure');
      logger.error({ err: error }, 'a look at the vault failed');
    }
    await orStopped(stop, sleep(pollS * 1_000));
  }
}
