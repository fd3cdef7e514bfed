import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.js';
import { cachedOrFetched, libraryFolders, type CachedProgram } from './apt.js';
import { findOnPath, fromEnvironment, ToolMissing, versionText, type Tool } from './tool.js';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

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
  return await cachedOrFetched(chromium, env, log);
}

const install =
  'Chromium is needed: `sudo apt-get install chromium` (Debian), or name a program in the variable CHROMIUM';

const chromium: CachedProgram = {
  ...{ name: 'chromium', title: 'Chromium', takes: 'a minute or two' },
  // With a font, since a machine without a screen may have none, and then no text is as wide as people see it.
  packages: ['chromium', 'chromium-common', 'fonts-dejavu-core'],
  install,
  failure: ({ message }) =>
    new (message.startsWith('the package lists do not have') ? ToolMissing : Error)(`${install}. ${message}`),
  toolIn: unpackedTool,
  starts,
  complete: (root, target) => writeFileSync(join(root, 'fonts.conf'), fontsIn(target)),
};

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
