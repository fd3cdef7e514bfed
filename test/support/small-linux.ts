import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { imageContent, type ImageContent } from '../../engines/images/docker-archive.js';
import type { TarEntry } from '../../engines/images/tar.js';
import { findNodePackages } from '../../engines/real-node/packages.js';
import { ownArchitecture } from '../../engines/tools/ssh-server.js';
import { silent } from '../../engines/log.js';

export interface SmallLinux {
  /** What it has besides BusyBox. */
  entries?: readonly TarEntry[];
  entrypoint?: readonly string[];
  command?: readonly string[];
}

/** An image that a customer may have made: BusyBox, and what the test puts into it. */
export async function smallLinux({ entries = [], ...what }: SmallLinux = {}): Promise<ImageContent> {
  const { busybox } = await findNodePackages(silent);
  const tools = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return imageContent({
    architecture: ownArchitecture(),
    entries: [
      ...['bin', 'etc', 'root', 'tmp', 'proc', 'dev', 'sys', 'run'].map((path) => ({ path, folder: true as const })),
      { path: 'bin/busybox', content: readFileSync(busybox), mode: 0o755 },
      ...tools.filter((tool) => tool !== 'busybox').map((tool) => ({ path: `bin/${tool}`, linkTo: 'busybox' })),
      { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
      ...entries,
    ],
    env: { PATH: '/bin:/sbin:/usr/bin:/usr/sbin' },
    ...what,
  });
}

/** Programs of this machine, where they are here, with the libraries that they name. */
export function borrowed(...programs: readonly string[]): TarEntry[] {
  const libraries = programs.flatMap((path) => execFileSync('ldd', [path], { encoding: 'utf8' }).match(/\/\S+/g) ?? []);
  return [...new Set([...programs, ...libraries])].map((path) => ({
    path: path.slice(1),
    content: readFileSync(path),
    mode: 0o755,
  }));
}
