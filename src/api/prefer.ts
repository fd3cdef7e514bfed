import { z } from 'zod';
import { answerWithinMs } from './middleware/deadline.js';

/** What `Prefer` asked for, and the value of `Preference-Applied`. */
export interface Waiting {
  waitMs: number;
  applied?: string;
}

/** The longest a client may wait; proxies in between give up at about this time. */
const maxWaitS = 60;

/** For routes that wait as long as the client asks. */
export const waitingWithinMs = maxWaitS * 1000 + answerWithinMs;

export const waitHeaders = z.object({
  prefer: z.string().optional().describe('`wait=N` (seconds, 60 at most) or `respond-async`'),
});

/**
 * Parses `Prefer: wait=N` and `respond-async` (RFC 7240). An unknown preference is ignored, as the RFC demands: it is a
 * wish, not a requirement.
 */
export function waitingOf(prefer: string, defaultS: number): Waiting {
  const preferences = prefer.split(',').map((preference) => preference.split(';')[0]!.trim().toLowerCase());
  if (preferences.includes('respond-async')) return { waitMs: 0, applied: 'respond-async' };
  for (const preference of preferences) {
    const seconds = /^wait ?= ?"?(\d{1,6})"?$/.exec(preference)?.[1];
    if (seconds === undefined) continue;
    const waitS = Math.min(Number(seconds), maxWaitS);
    return { waitMs: waitS * 1000, applied: `wait=${waitS}` };
  }
  return { waitMs: defaultS * 1000 };
}
