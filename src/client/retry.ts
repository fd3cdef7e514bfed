import { WorldLandError } from './errors.js';
import { pause } from './pause.js';

const firstPauseMs = 500;
const longestPauseMs = 8_000;
/** A longer wait is the caller's decision. */
const longestRetryAfterS = 60;

export interface Attempts {
  /** How often a request is repeated. */
  retries: number;
  /** Whether its repeat is harmless. Otherwise it is repeated only after answers that say that it did nothing. */
  repeatable: boolean;
  signal?: AbortSignal | undefined;
}

/** Runs an attempt until it succeeds, fails for good, or was repeated often enough. */
export async function withRetries<T>(
  { retries, repeatable, signal }: Attempts,
  attempt: () => Promise<T>,
  random: () => number = Math.random,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (tried >= retries || !isWorthARepeat(error, repeatable)) throw error;
      await pause(pauseMs(error, tried, random), signal);
    }
  }
}

function isWorthARepeat(error: unknown, repeatable: boolean): error is WorldLandError {
  if (!(error instanceof WorldLandError)) return false;
  if ((error.retryAfterS ?? 0) > longestRetryAfterS) return false;
  // Both refuse a request before it does anything.
  if (error.status === 429 || error.code === 'auth_backend_unavailable') return true;
  return repeatable && error.retryable;
}

/** Full jitter, so that many clients of a broker that comes back do not come all at once. */
function pauseMs(error: WorldLandError, tried: number, random: () => number): number {
  const spread = random() * Math.min(longestPauseMs, firstPauseMs * 2 ** tried);
  return (error.retryAfterS ?? 0) * 1000 + spread;
}
