import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Env = Record<string, string | undefined>;

/** Where `wl` keeps its own files: `WORLDLAND_CONFIG_DIR`, else `worldland` in the folder for configuration. */
export function configFolder(env: Env): string {
  const own = env['WORLDLAND_CONFIG_DIR'] ?? '';
  if (own !== '') return own;
  const xdg = env['XDG_CONFIG_HOME'] ?? '';
  // A relative path there is to be ignored, by its specification.
  return join(isAbsolute(xdg) ? xdg : join(homedir(), '.config'), 'worldland');
}

export interface SshFolder {
  path: string;
  /** Whether it is where ssh looks by itself. */
  isUsual: boolean;
}

/**
 * The folder of the user's SSH configuration: `WORLDLAND_SSH_DIR`, else `.ssh` in the home that the system has for this
 * user. Ssh does not look at `HOME` either.
 */
export function sshFolder(env: Env): SshFolder {
  const own = env['WORLDLAND_SSH_DIR'] ?? '';
  return own === '' ? { path: join(userInfo().homedir, '.ssh'), isUsual: true } : { path: own, isUsual: false };
}
