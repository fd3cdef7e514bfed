import { join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { buildWithGo, sourceDigest } from './go-build.js';
import { isExecutable, type Tool } from './tool.js';

/** Architectures that a job's pod may run on, by the names that Go and container images use. */
export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** The architecture of this machine. */
export function ownArchitecture(): Architecture {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}

/**
 * The SSH server of jobs for Linux, built from the present `ssh-server` and kept in the cache. The same sources and the
 * same Go give the same bytes on every machine.
 *
 * @throws ToolMissing without a Go toolchain.
 */
export async function findSshServer(
  log: Log,
  architecture: Architecture = ownArchitecture(),
  env: NodeJS.ProcessEnv = process.env,
): Promise<Tool> {
  const cache = cacheRoot(env);
  const path = join(cache, 'ssh-server', sourceDigest('ssh-server'), architecture, 'sshd');
  if (isExecutable(path)) return { path, from: 'cache' };
  return await withLock(join(cache, 'ssh-server.lock'), 'building the SSH server', log, async () => {
    if (isExecutable(path)) return { path, from: 'cache' };
    await buildWithGo(
      {
        module: 'ssh-server',
        programs: { 'the SSH server': { package: '.', builtAs: 'ssh-server', target: path } },
        // A build id would differ between build folders.
        ldflags: '-s -w -buildid=',
        env: { CGO_ENABLED: '0', GOOS: 'linux', GOARCH: architecture },
        takes: 'a quarter of a minute',
      },
      cache,
      env,
      log,
    );
    return { path, from: 'built' };
  });
}
