import { createHash } from 'node:crypto';

const known = new Map<string, { name: string; text: string }>();

/**
 * A statement that Postgres parses once for each connection, and from the sixth time on plans only once: for those that run
 * for each message of a machine and each job, where parsing and planning takes longer than the rest. Its best plan must not
 * depend on its values, and its columns be named, so that a migration does not change what it returns.
 *
 * @param text one of a fixed number of texts: connections keep each of them.
 */
export function prepared(text: string): { name: string; text: string } {
  const found = known.get(text);
  if (found !== undefined) return found;
  const made = { name: createHash('sha256').update(text).digest('hex').slice(0, 32), text };
  known.set(text, made);
  return made;
}
