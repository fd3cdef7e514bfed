import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { run } from './run.js';
import { compareVersions, findOnPath, isExecutable, ToolMissing, type Tool } from './tool.js';

/** apt's output is parsed here, so it must not be in the user's language. */
const plainEnglish = { ...process.env, LC_ALL: 'C' };

/** Whether this system is Debian or derived from it. */
export function hasApt(env: NodeJS.ProcessEnv): boolean {
  return ['apt-get', 'apt-cache', 'dpkg-deb', 'dpkg-query'].every((name) => findOnPath(name, env) !== undefined);
}

/**
 * Unpacks packages of the distribution into a folder, with the shared libraries that they need and this machine lacks.
 * Nothing is installed, so no service appears on the machine, and no rights are needed.
 *
 * @param oldest the oldest acceptable version, by package.
 * @returns the versions, without epoch and Debian revision, by package.
 * @throws Error if a package is missing or too old.
 */
export async function unpackPackages(
  names: readonly string[],
  root: string,
  log: Log,
  oldest: Record<string, string> = {},
): Promise<Record<string, string>> {
  mkdirSync(dirname(root), { recursive: true });
  const work = mkdtempSync(`${root}.apt-`);
  try {
    // The machine's own package lists may be missing, or name a version that the mirror has replaced.
    const versions = await download(names, work, [], log, oldest).catch(async (error: Error) => {
      log(`  ${error.message.split('\n', 1)[0]}; with package lists of our own:`);
      return await download(names, work, await freshLists(work, log), log, oldest);
    });
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', join(work, file), root]);
    }
    return versions;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A program that is kept in the cache, a folder for each version, and comes from the distribution's own packages. */
export interface CachedProgram {
  /** Its folder in the cache. */
  name: string;
  /** As a person calls it, and how long fetching it takes. */
  title: string;
  takes: string;
  /** The first one gives the version its name. */
  packages: readonly [string, ...string[]];
  oldest?: Record<string, string>;
  /** What to install where there is no apt. */
  install: string;
  /** What a failure to fetch it means: `ToolMissing` if this machine cannot have it so. */
  failure(error: Error): Error;
  /** The program in the folder into which its packages were unpacked. */
  toolIn(folder: string, from: string): Tool;
  starts(tool: Tool): Promise<boolean>;
  /** What it needs beside the packages, before `root` becomes `target`. */
  complete?(root: string, target: string): void;
}

/**
 * The newest version in the cache that starts, or the distribution's, unpacked into the cache. Nothing is installed.
 *
 * @throws ToolMissing if this machine has no apt; what `failure` makes of an error while fetching.
 */
export async function cachedOrFetched(program: CachedProgram, env: NodeJS.ProcessEnv, log: Log): Promise<Tool> {
  const cache = join(cacheRoot(env), program.name);
  const lock = join(cacheRoot(env), `${program.name}.lock`);
  return (
    (await newestIn(cache, program)) ??
    (await withLock(
      lock,
      `fetching ${program.title}`,
      log,
      async () => (await newestIn(cache, program)) ?? (await fetched(program, cache, { env, log })),
    ))
  );
}

async function newestIn(cache: string, { toolIn, starts }: CachedProgram): Promise<Tool | undefined> {
  let versions: string[];
  try {
    versions = readdirSync(cache).filter((name) => !name.startsWith('.'));
  } catch {
    return undefined;
  }
  for (const version of versions.sort(compareVersions).reverse()) {
    const tool = toolIn(join(cache, version), 'cache');
    if (isExecutable(tool.path) && (await starts(tool))) return tool;
  }
  return undefined;
}

async function fetched(
  program: CachedProgram,
  cache: string,
  { env, log }: { env: NodeJS.ProcessEnv; log: Log },
): Promise<Tool> {
  const { title, takes, packages, oldest, install, failure, toolIn, starts, complete } = program;
  if (!hasApt(env)) throw new ToolMissing(install);
  log(`fetching ${title} from the distribution into the cache: ${takes}, once`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.unpack-'));
  try {
    const root = join(work, 'root');
    const versions = await unpackPackages(packages, root, log, oldest);
    const target = join(cache, versions[packages[0]]!);
    complete?.(root, target);
    if (!(await starts(toolIn(root, 'apt')))) throw new Error('The unpacked package does not start');
    rmSync(target, { recursive: true, force: true });
    renameSync(root, target);
    return toolIn(target, 'apt');
  } catch (error) {
    throw failure(error as Error);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A Debian package keeps its shared libraries in a folder named after the architecture. */
export function libraryFolders(root: string): string[] {
  return ['usr/lib', 'lib'].flatMap((base) => {
    try {
      return readdirSync(join(root, base), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
        .map((entry) => join(root, base, entry.name));
    } catch {
      return [];
    }
  });
}

/** Package lists in the work folder: only root may refresh the system's. */
export async function freshLists(work: string, log: Log): Promise<string[]> {
  const state = join(work, 'apt');
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(state, folder), { recursive: true });
  const options = [
    ...['-o', `Dir::State::lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${state}`],
    // The account that apt switches to cannot reach root's cache.
    ...(process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []),
  ];
  await run('apt-get', [...options, 'update'], { log, what: 'apt-get update' });
  return options;
}

async function download(
  names: readonly string[],
  folder: string,
  options: string[],
  log: Log,
  oldest: Record<string, string>,
): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const name of names) {
    const policy = await run('apt-cache', [...options, 'policy', name], { env: plainEnglish });
    const version = /Candidate: (?:\d+:)?(\d[\d.]*)/.exec(policy)?.[1];
    if (version === undefined) throw new Error(`the package lists do not have ${name}`);
    const least = oldest[name];
    if (least !== undefined && compareVersions(version, least) < 0)
      throw new Error(`this distribution has ${name} ${version}`);
    versions[name] = version;
  }
  const packages = [...names, ...(await missingLibraries(names, options))];
  await run('apt-get', [...options, 'download', ...packages], { cwd: folder, log, what: 'apt-get download' });
  return versions;
}

/** The shared libraries that the packages need, directly or indirectly, and this machine lacks. */
async function missingLibraries(names: readonly string[], options: string[]): Promise<string[]> {
  const missing = new Set<string>();
  for (let next = names; next.length > 0;) {
    const asked = [...options, 'depends', '--no-recommends', '--no-suggests', ...next];
    const text = await run('apt-cache', asked, { env: plainEnglish });
    const libraries = new Set([...text.matchAll(/^ *\|?Depends: (lib\S+)$/gm)].map((match) => match[1]!));
    const found: string[] = [];
    for (const library of libraries) {
      if (missing.has(library)) continue;
      const status = await run('dpkg-query', ['-W', '-f=${Status}', library]).catch(() => '');
      if (!status.startsWith('install ok installed')) found.push(library);
    }
    for (const library of found) missing.add(library);
    next = found;
  }
  return [...missing];
}
