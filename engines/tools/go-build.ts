import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seconds, type Log } from '../log.js';
import { packageRoot } from '../paths.js';
import { run } from './run.js';
import { findOnPath, isExecutable, ToolMissing } from './tool.js';

/** The folders of the modules. */
const folders = {
  kubernetes: 'engines/go/kubernetes',
  temporal: 'engines/go/temporal',
  'kube-router': 'engines/go/kube-router',
  registry: 'engines/go/registry',
  'deployment-files': 'engines/go/deployment-files',
  'ssh-server': 'ssh-server',
};

/** One program of a pinned module. */
export interface GoProgram {
  /** The package to build. */
  package: string;
  /** The name `go build` gives the program, if it differs from ours. */
  builtAs?: string;
  /** Where to put the finished program. */
  target: string;
}

export interface GoBuild {
  /** A module with `go.mod` and `go.sum`: they pin every byte that is compiled. */
  module: keyof typeof folders;
  programs: Record<string, GoProgram>;
  ldflags: string;
  /** Variables for the compiler besides those of the caller. */
  env?: Record<string, string>;
  /** How long the first build takes, for the person who waits. */
  takes: string;
}

/**
 * Builds programs from pinned source modules. It works on a copy of the module files, since the package's own folder
 * may be read-only, and moves the finished programs to their places with a rename: an interrupted build leaves nothing
 * half-done.
 *
 * @throws ToolMissing without a Go toolchain; Error with the compiler's last lines if the build fails.
 */
export async function buildWithGo(build: GoBuild, cache: string, env: NodeJS.ProcessEnv, log: Log): Promise<void> {
  const names = Object.keys(build.programs).join(', ');
  const go = findGo(env);
  if (go === undefined) {
    throw new ToolMissing(
      `${names}: neither found nor buildable. Install Go 1.26 or newer (https://go.dev/dl/), then start again`,
    );
  }
  log(`building ${names} from source with ${go}: ${build.takes}, once`);
  const began = Date.now();
  mkdirSync(cache, { recursive: true });
  // Beside the targets, so that the rename stays on one file system.
  const work = mkdtempSync(join(cache, '.build-'));
  const removeWork = () => rmSync(work, { recursive: true, force: true });
  process.once('exit', removeWork);
  try {
    cpSync(join(packageRoot, folders[build.module]), join(work, 'module'), { recursive: true });
    const out = join(work, 'out');
    mkdirSync(out);
    await run(
      go,
      [
        'build',
        '-trimpath',
        '-mod=readonly',
        '-ldflags',
        build.ldflags,
        '-o',
        `${out}/`,
        ...Object.values(build.programs).map((program) => program.package),
      ],
      // A go.work above the cache, or the user's own flags, would change what is built.
      {
        cwd: join(work, 'module'),
        env: { ...env, ...build.env, GOWORK: 'off', GOFLAGS: '' },
        log,
        what: `go build of ${names}`,
      },
    );
    for (const [name, program] of Object.entries(build.programs)) {
      const built = join(out, program.builtAs ?? name);
      chmodSync(built, 0o755);
      mkdirSync(dirname(program.target), { recursive: true });
      renameSync(built, program.target);
    }
  } finally {
    process.removeListener('exit', removeWork);
    removeWork();
  }
  log(`built ${names} in ${seconds(Date.now() - began)}`);
}

/** A digest of the present sources of one of our own modules: other sources give another program. */
export function sourceDigest(module: GoBuild['module']): string {
  const folder = join(packageRoot, folders[module]);
  const digest = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    if (!/\.go$|^go\.(mod|sum)$/.test(name) || name.endsWith('_test.go')) continue;
    digest
      .update(`${name}\0`)
      .update(readFileSync(join(folder, name)))
      .update('\0');
  }
  return digest.digest('hex').slice(0, 16);
}

/** The Go toolchain: on PATH, or where its installers put it. */
export function findGo(env: NodeJS.ProcessEnv): string | undefined {
  return findOnPath('go', env) ?? ['/usr/local/go/bin/go', '/opt/homebrew/bin/go'].find(isExecutable);
}
