import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** A name that tells this process, or a part of it, from all others, and from itself before a restart. */
export function newProcessName(): string {
  return `${hostname()}-${randomBytes(3).toString('hex')}`;
}
