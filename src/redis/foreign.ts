import type { Redis } from 'ioredis';
import type { Logger } from '../observability/logger.js';
import { foreignKeys } from '../observability/metrics.js';
import type { BrokerKey } from './keys.js';

/** Whoever writes such things in a loop is in the log once in so long; the metric counts all of them. */
const silenceMs = 60_000;

const loggers = new WeakMap<Redis, { logger: Logger; saidAt: Map<BrokerKey, number> }>();

/** Says where what is found by way of a connection is reported. */
export function reportTo(redis: Redis, logger: Logger): void {
  loggers.set(redis, { logger, saidAt: new Map() });
}

/** A key of the broker held something that the broker never puts there; it was made anew. */
export function reportForeign(redis: Redis, kind: BrokerKey, key: string): void {
  foreignKeys.inc({ kind });
  const { logger, saidAt } = loggers.get(redis) ?? {};
  const now = Date.now();
  if (saidAt === undefined || now - (saidAt.get(kind) ?? -Infinity) < silenceMs) return;
  saidAt.set(kind, now);
  logger?.error({ kind, key }, 'somebody wrote to a key of the broker in Redis; what stood there was removed');
}

/** Whether Redis refused a command because of what stands at its key, and not because of the command. */
export function isForeign(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^WRONGTYPE|exhausted the last possible ID|not an integer|would overflow/.test(error.message)
  );
}
