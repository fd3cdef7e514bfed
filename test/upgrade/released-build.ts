import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';

/** The version that is upgraded from: its commit in this repository, because it has no tag. */
export const released = { version: '0.1.0', commit: '3a126f1e1ed8844e7b23a217bdaad38b23e026c9' };

const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: packageRoot, maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'ignore'] });

function answers(...args: string[]): boolean {
  try {
    git(...args);
    return true;
  } catch {
    return false;
  }
}

/** Whether this repository has the commit, and whether it could have it. */
export function releaseIs(): 'there' | 'missing' | 'not in a clone like this' {
  if (answers('cat-file', '-e', `${released.commit}^{commit}`)) return 'there';
  const isWhole =
    answers('rev-parse', '--git-dir') && git('rev-parse', '--is-shallow-repository').toString().trim() === 'false';
  return isWhole ? 'missing' : 'not in a clone like this';
}

/**
 * The released version, built from its commit and kept for later runs, since a commit never changes. It runs with the
 * packages that its own lock file names: those of this checkout where they are the same, as they are today.
 *
 * @returns the folder with its package.json and `dist/`
 */
export function releasedBuild(): string {
  const folder = join(packageRoot, '.data/releases', released.commit);
  if (existsSync(folder)) return folder;
  mkdirSync(join(folder, '..'), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    execFileSync('tar', ['-x', '-C', unfinished], { input: git('archive', released.commit) });
    providePackages(unfinished);
    compile(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another run may have been faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

interface Lock {
  packages: Record<string, { version?: string } | undefined>;
}

function providePackages(folder: string): void {
  const read = <Kind>(root: string, file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')) as Kind;
  const { dependencies } = read<{ dependencies: Record<string, string> }>(folder, 'package.json');
  const locked = (root: string) => {
    const { packages } = read<Lock>(root, 'package-lock.json');
    return Object.keys(dependencies).map((name) => packages[`node_modules/${name}`]?.version);
  };
  const isSame = locked(folder).join() === locked(packageRoot).join();
  if (isSame) symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  else execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts'], { cwd: folder, stdio: 'inherit' });
}

/** The types were checked when it was released. */
function compile(folder: string): void {
  const sources = git('ls-tree', '-r', '--name-only', released.commit, 'src', 'activities', 'workflows')
    .toString()
    .split('\n')
    .filter((file) => file.endsWith('.ts'));
  const form = ['--outdir=dist', '--outbase=.', '--format=esm', '--platform=node', '--log-level=error'];
  execFileSync(join(packageRoot, 'node_modules/.bin/esbuild'), [...sources, ...form], { cwd: folder });
  execFileSync(process.execPath, ['scripts/bundle-workflows.js', 'dist/workflow-bundle.js'], { cwd: folder });
}
