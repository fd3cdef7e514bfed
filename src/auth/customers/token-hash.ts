import { createHash } from 'node:crypto';

/** What is stored of a token. It has 256 random bits, so a plain hash cannot be reversed by guessing. */
export function tokenSha256(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
