import { WorldLandError } from '../../src/client/errors.js';

/**
 * What a failure says about what was asked for.
 *
 * - `unknown`: it may have been done. The answer was lost, or does not say.
 * - `unsent`: this attempt did nothing, and nobody looked at what an earlier one did: not logged in, too many requests.
 * - `refused`: the broker looked at it, and did not do it.
 */
export type Outcome = 'unknown' | 'unsent' | 'refused';

/** Failures without an answer, or with one that no broker gives. */
const lost: ReadonlySet<string> = new Set(['network', 'timeout', 'aborted', 'protocol', 'internal']);
/** The broker answers so before it looks at what is asked. */
const lookedAtNothing: ReadonlySet<string> = new Set(['auth_backend_unavailable']);

export function outcomeOf(error: unknown): Outcome {
  // Wallets refuse in words of their own, before anything is sent.
  if (error instanceof Error && error.name.endsWith('Refusal')) return 'unsent';
  return error instanceof WorldLandError ? outcomeOfAnswer(error) : 'unknown';
}

/** The same for what is known of an answer. */
export function outcomeOfAnswer({ code, status }: Pick<WorldLandError, 'code' | 'status'>): Outcome {
  if (lookedAtNothing.has(code) || status === 401 || status === 429) return 'unsent';
  if (lost.has(code) || status === 408 || status >= 500) return 'unknown';
  return status === 0 ? 'unsent' : 'refused';
}
