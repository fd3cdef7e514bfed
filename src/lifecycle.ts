import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerError } from './domain/errors.js';
import type { Logger } from './observability/logger.js';

const slowestMs = 5_000;

/** Thrown by everything that is still waiting when the process is told to stop. */
export class StopRequested extends Error {
  override readonly name = 'StopRequested';

  constructor(readonly signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
  }
}

/**
 * Returns a signal that aborts with a `StopRequested` at the first SIGTERM or SIGINT; the second one ends the process
 * at once. Call it before anything else: until then a signal kills the process or, in a container, does nothing at all.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort(new StopRequested(signal));
    });
  }
  return stop.signal;
}

/**
 * Awaits work that may hang, but gives up when the process is told to stop. The work itself is not cancelled; it runs
 * on until the process ends.
 *
 * @throws StopRequested
 */
export async function orStopped<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  stop.throwIfAborted();
  let onStop: () => void;
  const stopped = new Promise<never>((_, reject) => {
    onStop = () => reject(stop.reason as Error);
    stop.addEventListener('abort', onStop);
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    stop.removeEventListener('abort', onStop!);
  }
}

/**
 * Runs a step that a process needs before it can serve, and retries it during an outage, because a broker may start
 * before its database. Any other error is thrown at once.
 *
 * @throws StopRequested as soon as the process is told to stop, whether or not the attempt under way ever ends.
 */
export async function untilAvailable<T>(
  { logger, stop }: { logger: Logger; stop: AbortSignal },
  what: string,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, slowestMs)) {
    stop.throwIfAborted();
    try {
      return await orStopped(stop, attempt());
    } catch (error) {
      if (!isOutage(error)) throw error;
      logger.warn({ err: error, retryInMs: waitMs }, `${what} is not available yet`);
    }
    await orStopped(stop, sleep(waitMs));
  }
}

/** True for the drivers' connection errors, and for `dependency_unavailable`. */
function isOutage(error: unknown): boolean {
  if (error instanceof BrokerError) return error.code === 'dependency_unavailable';
  // gRPC: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE.
  const code = (error as { code?: unknown }).code ?? (error as { cause?: { code?: unknown } }).cause?.code;
  if (code === 4 || code === 8 || code === 14 || code === 'ECONNREFUSED') return true;
  return error instanceof Error && /Failed to connect before the deadline|name resolution/i.test(error.message);
}
