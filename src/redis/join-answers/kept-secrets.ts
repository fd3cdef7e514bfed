import type { Redis } from 'ioredis';
import { isForeign, reportForeign } from '../foreign.js';
import { keptSecretKey } from '../keys.js';

/** How a sealed secret looks; see `TokenSeal`. */
const form = /^[A-Za-z0-9+/]{59}=$/;

/**
 * Keeps the sealed secret half of a join token for as long as the token is valid.
 *
 * @returns false if one is kept already; that stays.
 */
export async function keepSecret(
  redis: Redis,
  { tokenId, sealed, ttlS }: { tokenId: string; sealed: string; ttlS: number },
): Promise<boolean> {
  return (await redis.set(keptSecretKey(tokenId), sealed, 'EX', ttlS, 'NX')) === 'OK';
}

/** Makes room for another one, because what is kept cannot be opened. */
export async function forgetSecret(redis: Redis, tokenId: string): Promise<void> {
  await redis.unlink(keptSecretKey(tokenId));
}

/** @returns undefined if none is kept. Whether the broker wrote it, only opening it tells. */
export async function keptSecret(redis: Redis, tokenId: string): Promise<string | undefined> {
  const key = keptSecretKey(tokenId);
  let kept: string | null;
  try {
    kept = await redis.get(key);
  } catch (error) {
    if (!isForeign(error)) throw error;
    kept = '';
  }
  if (kept === null) return undefined;
  if (form.test(kept)) return kept;
  await redis.unlink(key);
  reportForeign(redis, 'keptSecret', key);
  return undefined;
}
