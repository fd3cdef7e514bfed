import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import { providerAuthInsecure } from '../../observability/metrics.js';

const everyMs = 60_000;

/**
 * Says every minute that nobody checks who a provider is, where that is so, and shows it as a gauge. That a production
 * process does not start that way by mistake is seen to where the configuration is read.
 *
 * @returns stops the warnings.
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
