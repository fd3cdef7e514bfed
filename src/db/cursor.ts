import { BrokerError } from '../domain/errors.js';

/** What a list was read up to, as an opaque word for clients. */
export function encodeCursor(...parts: string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * The parts of a cursor, each checked by its pattern: clients can send anything.
 *
 * @throws BrokerError `validation_failed`
 */
export function decodeCursor(cursor: string, ...patterns: RegExp[]): string[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = undefined;
  }
  const fits =
    Array.isArray(parts) &&
    parts.length === patterns.length &&
    parts.every((part, index) => typeof part === 'string' && patterns[index]!.test(part));
  if (fits) return parts as string[];
  throw new BrokerError('validation_failed', 'the cursor is not one of this list', {
    errors: [{ field: 'query.cursor', message: 'is not a cursor of this list' }],
  });
}
