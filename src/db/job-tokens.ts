import { createHmac } from 'node:crypto';
import type { Pool } from 'pg';
import { tokenKey } from './installation.js';

/** Half of a SHA-256: nobody guesses 128 bits. */
const tokenHexDigits = 32;

/**
 * The token of a job's program. It is worked out from a key of the installation, so it is kept nowhere, and whoever makes
 * the pod again gets the same.
 *
 * @returns undefined for a job whose order has none.
 */
export async function jobToken(
  pool: Pool,
  { jobId, tokenKey: number }: { jobId: string; tokenKey?: number | undefined },
): Promise<string | undefined> {
  const key = number === undefined ? undefined : await tokenKey(pool, number);
  return key && createHmac('sha256', key).update(`token of job ${jobId}`).digest('hex').slice(0, tokenHexDigits);
}
