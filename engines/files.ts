import { renameSync, writeFileSync } from 'node:fs';

/** Replaces a file atomically: a reader sees the old text or the new one, never a part. Only the owner may read it. */
export function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}
