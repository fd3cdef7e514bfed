import { execFileSync } from 'node:child_process';
import { hasApt } from '../tools/apt.js';
import { findGo } from '../tools/go-build.js';
import { findOnPath } from '../tools/tool.js';

/** What this machine lacks to run a real node; undefined if it lacks nothing. */
export function missingForRealNode(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (process.platform !== 'linux') return 'Linux';
  if (process.getuid?.() !== 0) return 'root';
  const program = ['ip', 'mount', 'unshare', 'nsenter'].find((name) => findOnPath(name, env) === undefined);
  if (program !== undefined) return `the program ${program}`;
  if (!hasApt(env)) return 'a distribution of Debian’s kind, whose packages of containerd and runc it takes';
  if (findGo(env) === undefined) return 'Go 1.26 or newer, to build the kubelet';
  try {
    // Many containers run as root but may not do this.
    const mounts = 'mount -t tmpfs tmpfs /run && mount --make-rshared /';
    execFileSync('unshare', ['--net', '--mount', '--pid', '--uts', '--fork', '--mount-proc', 'sh', '-c', mounts], {
      stdio: 'ignore',
    });
  } catch {
    return 'the right to make namespaces and mounts';
  }
  return undefined;
}
