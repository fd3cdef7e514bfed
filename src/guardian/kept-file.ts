import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { SetupError } from './config.js';

/** A file of the guardian's own: as a whole the old one or the new one, whenever the machine stops. */
export interface KeptFile<T> {
  /** @returns undefined while there is none. @throws SetupError for one that cannot be read. */
  read(): T | undefined;
  write(value: T): void;
}

export function keptFile<S extends z.ZodType>(path: string, schema: S): KeptFile<z.output<S>> {
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw new SetupError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
      }
      const parsed = schema.safeParse(jsonOf(text));
      if (parsed.success) return parsed.data;
      // To begin anew would be to forget what was approved, which is what a thief would want.
      throw new SetupError(`${path} is damaged: restore it from a backup, or read "A lost file" in docs/guardian.md`);
    },
    write(value) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const fresh = `${path}.new`;
      const file = openSync(fresh, 'w', 0o600);
      try {
        writeFileSync(
          file,
          JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part)),
        );
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(fresh, path);
      const folder = openSync(dirname(path), 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
