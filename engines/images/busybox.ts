import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ownArchitecture } from '../tools/ssh-server.js';
import { dockerArchive } from './docker-archive.js';

/**
 * A small Linux image with one static BusyBox, used as a customer's image in tests without a registry. Its PATH begins
 * with a folder of its own, like that of CUDA's images.
 */
export function busyboxImage(name: string, busybox: string): { archive: Buffer; imageId: string } {
  const tools = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return dockerArchive({
    name,
    architecture: ownArchitecture(),
    entries: [
      ...['bin', 'etc', 'root', 'tmp', 'proc', 'dev', 'sys', 'run', 'opt'].map((path) => ({
        path,
        folder: true as const,
        mode: path === 'tmp' ? 0o1777 : path === 'root' ? 0o700 : 0o755,
      })),
      { path: 'bin/busybox', content: readFileSync(busybox), mode: 0o755 },
      ...tools.filter((tool) => tool !== 'busybox').map((tool) => ({ path: `bin/${tool}`, linkTo: 'busybox' })),
      { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
      { path: 'etc/group', content: Buffer.from('root:x:0:\n') },
      { path: 'etc/os-release', content: Buffer.from('PRETTY_NAME="Rented machine of the test"\n') },
    ],
    command: ['/bin/sh'],
    env: { PATH: '/opt/cuda/bin:/bin' },
  });
}

/** What holds a pod's namespaces: a program that sleeps. containerd ends it with SIGKILL. */
export function pauseImage(name: string, busybox: string): { archive: Buffer; imageId: string } {
  return dockerArchive({
    name,
    architecture: ownArchitecture(),
    entries: [{ path: 'busybox', content: readFileSync(busybox), mode: 0o755 }],
    entrypoint: ['/busybox', 'sleep', '2147483647'],
  });
}
