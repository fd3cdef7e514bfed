import type { Redis } from 'ioredis';
import type { Logger } from '../observability/logger.js';
import { foreignKeys } from '../observability/metrics.js';
import type { BrokerKey } from './keys.js';

/**
 * The shortest interval between log lines per kind of key, since somebody may write such keys in a loop. The metric
 * counts all.
 */
const silenceMs = 60_000;

const loggers = new WeakMap<Redis, { logger: Logger; saidAt: Map<BrokerKey, number> }>();

/** Sets where findings on a connection are reported. */
export function reportTo(redis: Redis, logger: Logger): void {
  loggers.set(redis, { logger, saidAt: new Map() });
}

/** Reports that a broker key held data the broker never writes, and was recreated. */
export function reportForeign(redis: Redis, kind: BrokerKey, key: string): void {
  foreignKeys.inc({ kind });
  const { logger, saidAt } = loggers.get(redis) ?? {};
  const now = Date.now();
  if (saidAt === undefined || now - (saidAt.get(kind) ?? -Infinity) < silenceMs) return;
  saidAt.set(kind, now);
  logger?.error({ kind, key }, 'somebody wrote to a key of the broker in Redis; what stood there was removed');
}

/** Whether Redis rejected a command because of the data at its key, not because of the command. */
export function isForeign(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^WRONGTYPE|exhausted the last possible ID|not an integer|would overflow/.test(error.message)
  );
}
