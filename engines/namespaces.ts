import { join } from 'node:path';
import { packageRoot } from './paths.js';
import type { ProcessSpec } from './supervisor.js';

/**
 * Runs a shell script as the first process of namespaces of its own: files, network and processes. Descriptor 9 is the
 * host's network for it (engines/namespaces.sh). When it ends, the kernel removes everything in them.
 *
 * @param script below `engines`.
 */
export function inNamespaces(script: string): Pick<ProcessSpec, 'command' | 'args' | 'stopSignal'> {
  return {
    command: '/bin/sh',
    args: [
      '-c',
      'exec 9</proc/self/ns/net; exec unshare --net --mount --pid --uts --fork --kill-child --mount-proc "$0"',
      join(packageRoot, 'engines', script),
    ],
    // Nothing in it has to be saved, and the kernel shields its first process from other signals.
    stopSignal: 'SIGKILL',
  };
}
