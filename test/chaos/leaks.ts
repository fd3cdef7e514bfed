import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoints } from '../../engines/stack.js';
import { findSecrets } from '../support/secrets.js';
import type { JobStory } from './customers.js';
import type { Finding } from './invariant-names.js';

/** Searches the output of all processes, and what Temporal stores, for secrets. */
export function secretsFound(
  logFolder: string,
  histories: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): Finding {
  const logs = readdirSync(logFolder).map(
    (file) => [`log ${file}`, readFileSync(join(logFolder, file), 'utf8')] as const,
  );
  const texts = { ...Object.fromEntries(logs.filter(([, text]) => text !== '')), ...histories };
  const violations = findSecrets(texts, secrets).map(({ secret, text, around }) => `${secret} in ${text}: ${around}`);
  return { invariant: 'secrets', violations, isLasting: true };
}

/** The secrets that customers give to their jobs. */
export const secretsOf = (stories: readonly JobStory[]): Record<string, string> =>
  Object.fromEntries(stories.map(({ key, secret }, n) => [`environment of ${key} (${n})`, secret]));

/** The passwords of the engines, by the addresses that contain them. */
export function passwordsOf({ postgres, redis, operator_redis }: Endpoints): Record<string, string> {
  const passwords = Object.entries({ postgres, redis, operator_redis }).flatMap(([name, address]) => {
    const password = address === undefined ? '' : decodeURIComponent(new URL(address).password);
    return password.length < 12 ? [] : [[`password of ${name}`, password] as const];
  });
  return Object.fromEntries(passwords);
}
