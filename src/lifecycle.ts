import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerError } from './domain/errors.js';
import type { Logger } from './observability/logger.js';

const slowestMs = 5_000;

/**
 * Does what a process needs before it can serve, again and again while the system behind it is not answering: a broker
 * may be started before its database. Anything else than an outage is thrown at once.
 */
export async function untilAvailable<T>(logger: Logger, what: string, attempt: () => Promise<T>): Promise<T> {
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, slowestMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isOutage(error)) throw error;
      logger.warn({ err: error, retryInMs: waitMs }, `${what} is not available yet`);
      await sleep(waitMs);
    }
  }
}

/** Connection trouble as the drivers say it, and what was given our own name for it. */
function isOutage(error: unknown): boolean {
  if (error instanceof BrokerError) return error.code === 'dependency_unavailable';
  // gRPC: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE.
  const code = (error as { code?: unknown }).code ?? (error as { cause?: { code?: unknown } }).cause?.code;
  if (code === 4 || code === 8 || code === 14 || code === 'ECONNREFUSED') return true;
  return error instanceof Error && /Failed to connect before the deadline|name resolution/i.test(error.message);
}

/** Resolves at the first SIGTERM or SIGINT with its name; the second one ends the process at once. */
export function untilSignalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve(signal);
      });
    }
  });
}
