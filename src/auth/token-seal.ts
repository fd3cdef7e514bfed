import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { privateBrokerKey } from './broker-key.js';

const ivBytes = 12;
const tagBytes = 16;

/** Whose secret half it is. */
export interface TokenOwner {
  providerId: string;
  tokenId: string;
  /** A token that is made anew under its id lasts longer, and has another secret half. */
  expiresAt: Date;
}

/** Seals the secret halves of join tokens, so that whoever reads Redis alone, or Postgres alone, learns none. */
export interface TokenSeal {
  /** @returns 60 characters of base64: what seals it, its 16 letters and digits, and what shows that nobody altered it. */
  seal(owner: TokenOwner, secret: string): Promise<string>;
  /** @returns undefined if it was sealed for another token or with another key, or altered. */
  open(owner: TokenOwner, sealed: string): Promise<string | undefined>;
}

/** The key is derived from the broker's own: with another broker key, nothing that was sealed before can be opened. */
export function createTokenSeal(pool: Pool): TokenSeal {
  const keyFor = async ({ providerId, tokenId, expiresAt }: TokenOwner) => {
    const info = `WORLDLAND-KEPT-TOKEN-V1\n${providerId}\n${tokenId}\n${expiresAt.toISOString()}`;
    return Buffer.from(hkdfSync('sha256', await privateBrokerKey(pool), '', info, 32));
  };
  return {
    async seal(owner, secret) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', await keyFor(owner), iv);
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64');
    },
    async open(owner, sealed) {
      const key = await keyFor(owner);
      try {
        const bytes = Buffer.from(sealed, 'base64');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes));
        decipher.setAuthTag(bytes.subarray(-tagBytes));
        return Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]).toString('utf8');
      } catch {
        // Anybody may have written it.
        return undefined;
      }
    },
  };
}
