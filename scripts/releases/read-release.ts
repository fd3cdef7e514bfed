import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { breakingChanges } from './breaking-changes.js';
import { changelogVersions } from './changelog.js';
import type { Named, Release } from './checks.js';
import { publicSurface, type PublicSurface } from './public-surface.js';
import { clientManifest } from '../client-package.js';

/** Where the public surface of each release is kept. */
export const keptFolder = 'test/releases';

/** What a release of this checkout would be made of, git's part left out. */
export async function readVersion(): Promise<
  Omit<Release, 'branch' | 'uncommitted' | 'tags'> & { surface: PublicSurface }
> {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const changelog = changelogVersions(read('CHANGELOG.md'));
  const surface = await publicSurface();
  const released = changelog.find(({ date }) => date !== undefined)?.version;
  const before = released === undefined ? undefined : keptSurface(released);
  return {
    version,
    changelog,
    surface,
    named: namedVersions(version, surface),
    kept: readdirSync(keptFolder).map((name) => name.replace(/\.json$/, '')),
    breaking: before === undefined ? [] : breakingChanges(before, surface),
  };
}

/** The whole, as git sees it. */
export async function readRelease(): Promise<Release & { surface: PublicSurface }> {
  return {
    ...(await readVersion()),
    branch: git('branch', '--show-current').trim(),
    uncommitted: git('status', '--short')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(3)),
    tags: git('tag').split('\n').filter(Boolean),
  };
}

/** @throws Error with what git says. */
export function git(...words: string[]): string {
  return execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export function keptSurface(version: string): PublicSurface | undefined {
  const file = `${keptFolder}/${version}.json`;
  return existsSync(file) ? (JSON.parse(read(file)) as PublicSurface) : undefined;
}

function namedVersions(version: string, { openapi }: PublicSurface): Named[] {
  const lock = JSON.parse(read('package-lock.json')) as {
    version: string;
    packages: Record<string, { version: string }>;
  };
  return [
    { where: 'package-lock.json', version: lock.version },
    { where: 'package-lock.json, for the package itself,', version: lock.packages['']?.version ?? '' },
    { where: 'the package worldland', version: String(clientManifest()['version']) },
    { where: 'GET /openapi.json', version: String((openapi['info'] as { version: unknown }).version) },
    { where: 'docker-compose.yml', version: composedVersion(version) },
    ...['src/kubernetes/deploy/3-broker.yaml', 'docs/deploy.md'].map((where) => ({ where, version: imagesIn(where) })),
  ];
}

/** The versions of the broker's image in a file, of which there should be one. A word is a name that an operator gives his own. */
function imagesIn(file: string): string {
  const found = new Set([...read(file).matchAll(/\bworldland-broker:(\d[\w.-]*)/g)].map(([, version]) => version!));
  return [...found].join(', ');
}

/** Compose may build the image from the checkout, under a name without a version; otherwise it names one. */
function composedVersion(version: string): string {
  const isBuilt = /^\s+image: worldland-broker$/m.test(read('docker-compose.yml'));
  return isBuilt ? version : imagesIn('docker-compose.yml');
}

const read = (file: string) => readFileSync(file, 'utf8');
