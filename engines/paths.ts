import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: where `package.json` is, above `src/` as well as above `dist/src/`. */
export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('package.json is not above this file');
    folder = above;
  }
  return folder;
})();

/**
 * The folder of built and fetched tools, shared by all checkouts of this user: `WORLDLAND_CACHE`, else
 * `$XDG_CACHE_HOME/worldland-broker`, else `~/.cache/worldland-broker`.
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env['WORLDLAND_CACHE']) return resolve(env['WORLDLAND_CACHE']);
  // The XDG rule: a relative path there is to be ignored.
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'worldland-broker');
}
