import { BrokerError } from '../domain/errors.js';
import { instant } from '../domain/outside.js';

/** Encodes the position up to which a list was read, as an opaque word for clients. */
export function encodeCursor(...parts: string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * Decodes a cursor and checks each part, because clients can send anything.
 *
 * @throws BrokerError `validation_failed`
 */
export function decodeCursor(cursor: string, ...checks: ((part: string) => boolean)[]): string[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = undefined;
  }
  const fits =
    Array.isArray(parts) &&
    parts.length === checks.length &&
    // Postgres stores no NUL, and has no row with one.
    parts.every((part, index) => typeof part === 'string' && !part.includes('\0') && checks[index]!(part));
  if (fits) return parts as string[];
  throw new BrokerError('validation_failed', 'the cursor is not one of this list', {
    errors: [{ field: 'query.cursor', message: 'is not a cursor of this list' }],
  });
}

/** True for a time exactly as `Date` writes it. Rejects days that do not exist, although they can be parsed. */
export function isWrittenTime(part: string): boolean {
  return instant(part) === part;
}
