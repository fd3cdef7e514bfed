import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** With a font, since a machine without a screen may have none, and then no text is as wide as people see it. */
const packages = ['chromium', 'chromium-common', 'fonts-dejavu-core'];

/**
 * Finds Chromium: `CHROMIUM`, PATH, the cache, and on Debian the distribution's own package, unpacked into the cache.
 * Nothing is installed.
 *
 * @throws ToolMissing if this machine has none and its distribution has no package of it; Error if fetching fails.
 */
export async function findChromium(log: Log, env: NodeJS.ProcessEnv = process.env): Promise<Tool> {
  const given = fromEnvironment('CHROMIUM', env);
  if (given !== undefined) return given;
  for (const name of names) {
    const path = findOnPath(name, env);
    if (path !== undefined) return { path, from: 'PATH' };
  }
  const cache = join(cacheRoot(env), 'chromium');
  return (
    (await cached(cache)) ??
    (await withLock(
      join(cacheRoot(env), 'chromium.lock'),
      'fetching Chromium',
      log,
      async () => (await cached(cache)) ?? unpackFromApt(cache, env, log),
    ))
  );
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
    if (isExecutable(tool.path) && (await starts(tool))) return tool;
  }
  return undefined;
}

async function starts(tool: Tool): Promise<boolean> {
  return (await versionText(tool)).startsWith('Chromium ');
}

/** The program itself: the script that people start looks for it in the system's folders. */
function unpackedTool(folder: string, from: string): Tool {
  // The library for sound keeps a part of itself in a folder of its own.
  const libraries = libraryFolders(folder).flatMap((path) => [path, join(path, 'pulseaudio')]);
  return {
    path: join(folder, 'usr/lib/chromium/chromium'),
    from,
    env: {
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
      ...(libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.join(':') } : {}),
    },
  };
}

async function unpackFromApt(cache: string, env: NodeJS.ProcessEnv, log: Log): Promise<Tool> {
  const install =
    'Chromium is needed: `sudo apt-get install chromium` (Debian), or name a program in the variable CHROMIUM';
  if (!hasApt(env)) throw new ToolMissing(install);
  log('fetching Chromium from the distribution into the cache: a minute or two, once');
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.unpack-'));
  try {
    const root = join(work, 'root');
    const { chromium: version } = await unpackPackages(packages, root, log).catch((error: Error) => {
      if (error.message.startsWith('the package lists do not have'))
        throw new ToolMissing(`${install}. ${error.message}`);
      throw error;
    });
    const target = join(cache, version!);
    writeFileSync(join(root, 'fonts.conf'), fontsIn(target));
    rmSync(target, { recursive: true, force: true });
    renameSync(root, target);
    const tool = unpackedTool(target, 'apt');
    if (!(await starts(tool))) throw new Error(`${install}. The unpacked package does not start: ${tool.path}`);
    return tool;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The fonts of the package beside those of the machine. */
function fontsIn(folder: string): string {
  const families = { 'sans-serif': 'DejaVu Sans', serif: 'DejaVu Serif', monospace: 'DejaVu Sans Mono' };
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'usr/share/fonts')}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(folder, 'fontconfig')}</cachedir>
${Object.entries(families)
  .map(([alias, family]) => `  <alias><family>${alias}</family><prefer><family>${family}</family></prefer></alias>`)
  .join('\n')}
</fontconfig>
`;
}
