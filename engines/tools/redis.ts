import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { hasApt, libraryFolders, unpackPackages } from './apt.js';
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
  const cache = join(cacheRoot(env), 'redis');
  return (
    (await cached(cache)) ??
    (await withLock(
      join(cacheRoot(env), 'redis.lock'),
      'fetching Redis',
      log,
      async () => (await cached(cache)) ?? unpackFromApt(cache, env, log),
    ))
  );
}

function isRecent(text: string): boolean {
  // Redis and Valkey both print `v=7.0.15`.
  const version = /v=(\d+\.\d+\.\d+)/.exec(text)?.[1];
  return version !== undefined && compareVersions(version, oldestRedis) >= 0;
}

async function cached(cache: string): Promise<Tool | undefined> {
  let versions: string[];
  try {
    versions = readdirSync(cache).filter((name) => !name.startsWith('.'));
  } catch {
    return undefined;
  }
  for (const version of versions.sort(compareVersions).reverse()) {
    const tool = unpackedTool(join(cache, version), 'cache');
    if (isExecutable(tool.path) && isRecent(await versionText(tool))) return tool;
  }
  return undefined;
}

function unpackedTool(folder: string, from: string): Tool {
  const path = isExecutable(join(folder, 'redis-server'))
    ? join(folder, 'redis-server')
    : join(folder, 'usr/bin/redis-server');
  const libraries = libraryFolders(folder);
  return { path, from, ...(libraries.length > 0 ? { env: { LD_LIBRARY_PATH: libraries.join(':') } } : {}) };
}

async function unpackFromApt(cache: string, env: NodeJS.ProcessEnv, log: Log): Promise<Tool> {
  const install =
    'Redis 7.0 or newer is needed: `sudo apt-get install redis-server` (Debian, Ubuntu), `brew install redis` (macOS), or name a program in REDIS_SERVER';
  if (!hasApt(env)) throw new ToolMissing(install);
  log('fetching Redis from the distribution into the cache: a few seconds, once');
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.unpack-'));
  try {
    const root = join(work, 'root');
    const versions = await unpackPackages(['redis-server', 'redis-tools'], root, log, { 'redis-server': oldestRedis });
    const text = await versionText(unpackedTool(root, 'apt'));
    if (!isRecent(text)) throw new ToolMissing(`${install}. The unpacked package does not start`);
    const target = join(cache, versions['redis-server']!);
    rmSync(target, { recursive: true, force: true });
    renameSync(root, target);
    return unpackedTool(target, 'apt');
  } catch (error) {
    throw error instanceof ToolMissing ? error : new ToolMissing(`${install}. ${(error as Error).message}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
