import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import { keepReached } from './reached-types.js';
import { requireNothingLeftOut, withoutLazyParts } from './viem-parts.js';

/** The programs of the package and the files that they start in. */
const startedIn = { wl: 'src/cli/main.ts', 'provider-agent': 'src/provider-agent/main.ts' };

const shared: BuildOptions = {
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
};

/**
 * Some of what the programs bundle is CommonJS, which asks for Node's own modules by `require`.
 */
const requireForCommonJs = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

/** Builds the package `worldland`, ready for `npm pack`: the client, its types, and the programs. */
export async function buildClientPackage(folder: string, { types = true, programs = true } = {}): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await Promise.all([
    buildLibrary(join(folder, 'lib')),
    ...(programs ? [buildPrograms(folder)] : []),
    ...(types ? [buildTypes(folder)] : []),
  ]);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(clientManifest(), undefined, 2)}\n`);
  // In the package, the other pages are not beside this one.
  const page = readFileSync('docs/client.md', 'utf8').replace(/\[([^\]]+)\]\((?!https?:)[^)]+\)/g, '$1');
  writeFileSync(join(folder, 'README.md'), page);
  cpSync('LICENSE', join(folder, 'LICENSE'));
}

/** The package's own package.json: it has the broker's version. */
export function clientManifest(): Record<string, unknown> {
  const { version, license } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
  return { ...aboutPackage, version, license };
}

const aboutPackage = {
  name: 'worldland',
  description:
    'Rent GPUs, and rent them out: the client of the WorldLand broker, its command line and its provider agent',
  type: 'module',
  sideEffects: false,
  exports: {
    '.': { types: './types/client/index.d.ts', default: './lib/index.js' },
    './node': { types: './types/client/node.d.ts', default: './lib/node.js' },
    './package.json': './package.json',
  },
  bin: {
    wl: './bin/wl/wl.js',
    worldland: './bin/wl/wl.js',
    'provider-agent': './bin/provider-agent/provider-agent.js',
  },
  files: ['lib', 'types', 'bin'],
  // Wider than the broker's, which names what was tried: some package managers refuse a library whose range is left.
  engines: { node: '>=20.11' },
};

/** For browsers and Node alike: only the entry for Node may ask for Node's modules. */
async function buildLibrary(outdir: string): Promise<void> {
  const { metafile } = await build({
    ...shared,
    plugins: [withoutLazyParts],
    metafile: true,
    entryPoints: ['src/client/index.ts', 'src/client/node.ts'],
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'browser',
    external: ['node:*'],
  });
  requireNothingLeftOut(metafile);
}

async function buildPrograms(folder: string): Promise<void> {
  const builds = Object.entries(startedIn).map(async ([name, entry]) => {
    const outdir = join(folder, 'bin', name);
    await build({
      ...shared,
      entryPoints: { [name]: entry },
      outdir,
      chunkNames: 'chunks/[name]-[hash]',
      platform: 'node',
      banner: { js: requireForCommonJs },
    });
    makeExecutable(join(outdir, `${name}.js`));
  });
  await Promise.all(builds);
}

function makeExecutable(file: string): void {
  const text = readFileSync(file, 'utf8').replace(/^#!.*\n/, '');
  writeFileSync(file, `#!/usr/bin/env node\n${text}`);
  chmodSync(file, 0o755);
}

async function buildTypes(folder: string): Promise<void> {
  const outDir = join(folder, 'types');
  await promisify(execFile)('npx', ['tsc', '-p', 'tsconfig.client.json', '--outDir', outDir]);
  keepReached(outDir, ['client/index.d.ts', 'client/node.d.ts']);
}
