import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.js';

/** The value of an option's variable; a secret may also be in the file that `<NAME>_FILE` names. */
export function fromEnvironment(
  { env: name, secret }: { env?: string; secret?: boolean },
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (name === undefined) return undefined;
  const file = env[`${name}_FILE`];
  return env[name] || (secret && file ? secretIn(file, `${name}_FILE`) : undefined);
}

function secretIn(file: string, variable: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${variable}: ${file} cannot be read (${code})`, { cause: error });
  }
}

/** Any user of the machine can read a command line. */
export function requireNoPassword<Of>(
  options: Of,
  { redis }: Readonly<Record<string, string | boolean | undefined>>,
): Of {
  if (typeof redis === 'string' && new URL(redis).password !== '') {
    throw new UsageError('--redis: any user of this machine can read a password there; put the URL in REDIS_URL');
  }
  return options;
}
