import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import { providerAuthInsecure } from '../../observability/metrics.js';

const everyMs = 60_000;

/**
 * Warns every minute, and sets a gauge, while providers' identities are not verified. The configuration makes sure that
 * a production process does not start this way by mistake.
 *
 * @returns a function that stops the warnings.
 */
export function warnWhileInsecure(
  config: Pick<Config, 'PROVIDER_AUTH_MODE'>,
  logger: Pick<Logger, 'warn'>,
): () => void {
  const insecure = config.PROVIDER_AUTH_MODE === 'off';
  providerAuthInsecure.set(insecure ? 1 : 0);
  if (!insecure) return () => undefined;
  const warn = () => logger.warn('PROVIDER_AUTH_MODE is off: anybody who reaches Redis can speak for any provider');
  warn();
  const timer = setInterval(warn, everyMs).unref();
  return () => clearInterval(timer);
}
