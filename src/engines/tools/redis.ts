import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { run } from './run.js';
import {
  compareVersions,
  findOnPath,
  fromEnvironment,
  isExecutable,
  ToolMissing,
  versionText,
  type Tool,
} from './tool.js';

/** XAUTOCLAIM names entries that were trimmed only from here on; the stream consumers rely on that. */
const oldestRedis = '7.0.0';

/**
 * Finds Redis or Valkey: `REDIS_SERVER`, PATH, cache, and on Debian and its relatives the distribution's own package,
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

/** What apt prints is read here, so it must not be in the user's language. */
const plainEnglish = { ...process.env, LC_ALL: 'C' };

function isRecent(text: string): boolean {
  // Redis prints `v=7.0.15`; Valkey the same.
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

/** A Debian package keeps its shared libraries in a folder named after the architecture. */
function unpackedTool(folder: string, from: string): Tool {
  const path = isExecutable(join(folder, 'redis-server'))
    ? join(folder, 'redis-server')
    : join(folder, 'usr/bin/redis-server');
  const libraries = ['usr/lib', 'lib'].flatMap((base) => {
    try {
      const inside = readdirSync(join(folder, base), { withFileTypes: true });
      return inside
        .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
        .map((entry) => join(folder, base, entry.name));
    } catch {
      return [];
    }
  });
  return { path, from, ...(libraries.length > 0 ? { env: { LD_LIBRARY_PATH: libraries.join(':') } } : {}) };
}

async function unpackFromApt(cache: string, env: NodeJS.ProcessEnv, log: Log): Promise<Tool> {
  const install =
    'Redis 7.0 or newer is needed: `sudo apt-get install redis-server` (Debian, Ubuntu), `brew install redis` (macOS), or name a program in REDIS_SERVER';
  if (!['apt-get', 'apt-cache', 'dpkg-deb', 'dpkg-query'].every((name) => findOnPath(name, env) !== undefined))
    throw new ToolMissing(install);
  log('fetching Redis from the distribution into the cache: a few seconds, once');
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.unpack-'));
  try {
    // The machine's own package lists may be missing, or name a version that the mirror has replaced.
    const version = await download(work, [], log).catch(async (error: Error) => {
      log(`  ${error.message.split('\n', 1)[0]}; with package lists of our own:`);
      return await download(work, await freshLists(work, log), log);
    });
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', join(work, file), join(work, 'root')]);
    }
    const text = await versionText(unpackedTool(join(work, 'root'), 'apt'));
    if (!isRecent(text)) throw new ToolMissing(`${install}. The unpacked package does not start`);
    const target = join(cache, version);
    rmSync(target, { recursive: true, force: true });
    renameSync(join(work, 'root'), target);
    return unpackedTool(target, 'apt');
  } catch (error) {
    throw error instanceof ToolMissing ? error : new ToolMissing(`${install}. ${(error as Error).message}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Package lists below the work folder: those of the system are root's to renew, and nobody else's to change. */
async function freshLists(work: string, log: Log): Promise<string[]> {
  const state = join(work, 'apt');
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(state, folder), { recursive: true });
  const options = [
    ...['-o', `Dir::State::lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${state}`],
    // The account that apt steps down to cannot reach the cache of root.
    ...(process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []),
  ];
  await run('apt-get', [...options, 'update'], { log, what: 'apt-get update' });
  return options;
}

/** Downloads the packages into a folder; answers their version without epoch and Debian revision. */
async function download(folder: string, options: string[], log: Log): Promise<string> {
  const policy = await run('apt-cache', [...options, 'policy', 'redis-server'], { env: plainEnglish });
  const version = /Candidate: (?:\d+:)?(\d[\d.]*)/.exec(policy)?.[1];
  if (version === undefined) throw new Error('the package lists do not have redis-server');
  if (compareVersions(version, oldestRedis) < 0) throw new Error(`this distribution has Redis ${version}`);
  const packages = ['redis-server', 'redis-tools', ...(await missingLibraries(options))];
  await run('apt-get', [...options, 'download', ...packages], { cwd: folder, log, what: 'apt-get download' });
  return version;
}

/** Shared libraries that the two packages name and the machine does not have. */
async function missingLibraries(options: string[]): Promise<string[]> {
  const text = await run(
    'apt-cache',
    [...options, 'depends', '--no-recommends', '--no-suggests', 'redis-server', 'redis-tools'],
    { env: plainEnglish },
  );
  const libraries = new Set([...text.matchAll(/^ *\|?Depends: (lib\S+)$/gm)].map((match) => match[1]!));
  const missing: string[] = [];
  for (const library of libraries) {
    const status = await run('dpkg-query', ['-W', '-f=${Status}', library]).catch(() => '');
    if (!status.startsWith('install ok installed')) missing.push(library);
  }
  return missing;
}
