import { join } from 'node:path';
import type { Log } from '../log.js';
import { cachedOrFetched, libraryFolders, type CachedProgram } from './apt.js';
import {
  compareVersions,
  findOnPath,
  fromEnvironment,
  isExecutable,
  ToolMissing,
  versionText,
  type Tool,
} from './tool.js';

/** XAUTOCLAIM names trimmed entries only from this version on; the stream consumers rely on that. */
const oldestRedis = '7.0.0';

/**
 * Finds Redis or Valkey: `REDIS_SERVER`, PATH, the cache, and on Debian-like systems the distribution's own package,
 * unpacked into the cache. Nothing is installed, so no Redis service appears on the machine.
 *
 * @throws ToolMissing with what to install.
 */
export async function findRedis(log: Log, env: NodeJS.ProcessEnv = process.env): Promise<Tool> {
  const given = fromEnvironment('REDIS_SERVER', env);
  if (given !== undefined) return given;
  for (const name of ['redis-server', 'valkey-server']) {
    const path = findOnPath(name, env);
    if (path !== undefined && isRecent(await versionText({ path }))) return { path, from: 'PATH' };
  }
  return await cachedOrFetched(redis, env, log);
}

const install =
  'Redis 7.0 or newer is needed: `sudo apt-get install redis-server` (Debian, Ubuntu), `brew install redis` (macOS), or name a program in REDIS_SERVER';

const redis: CachedProgram = {
  ...{ name: 'redis', title: 'Redis', takes: 'a few seconds' },
  packages: ['redis-server', 'redis-tools'],
  oldest: { 'redis-server': oldestRedis },
  install,
  failure: (error) => new ToolMissing(`${install}. ${error.message}`),
  toolIn: unpackedTool,
  starts: async (tool) => isRecent(await versionText(tool)),
};

function isRecent(text: string): boolean {
  // Redis and Valkey both print `v=7.0.15`.
  const version = /v=(\d+\.\d+\.\d+)/.exec(text)?.[1];
  return version !== undefined && compareVersions(version, oldestRedis) >= 0;
}

function unpackedTool(folder: string, from: string): Tool {
  const path = isExecutable(join(folder, 'redis-server'))
    ? join(folder, 'redis-server')
    : join(folder, 'usr/bin/redis-server');
  const libraries = libraryFolders(folder);
  return { path, from, ...(libraries.length > 0 ? { env: { LD_LIBRARY_PATH: libraries.join(':') } } : {}) };
}
