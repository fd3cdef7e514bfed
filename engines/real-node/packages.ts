import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { libraryFolders, unpackPackages } from '../tools/apt.js';

const names = [
  'containerd',
  'runc',
  'containernetworking-plugins',
  'iptables',
  'ipset',
  'conntrack',
  // For the customer's image in tests, and for the pause image.
  'busybox-static',
] as const;

/** Links that Debian creates when it installs the packages. */
const links = ['iptables', 'ip6tables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);

export interface NodePackages {
  /** Like `/` of a system on which only these packages are installed. */
  root: string;
  libraries: string;
  busybox: string;
  cniPlugins: string;
}

/** The distribution's packages that a node needs, unpacked into the cache: installing them would start services. */
export async function findNodePackages(log: Log, env: NodeJS.ProcessEnv = process.env): Promise<NodePackages> {
  const cache = join(cacheRoot(env), 'node-packages');
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const root = join(
    cache,
    createHash('sha256')
      .update(JSON.stringify([names, release]))
      .digest('hex')
      .slice(0, 16),
  );
  if (!existsSync(root)) {
    await withLock(join(cacheRoot(env), 'node-packages.lock'), 'fetching containerd and runc', log, async () => {
      if (existsSync(root)) return;
      log(`fetching ${names.join(', ')} from the distribution into the cache: a few seconds, once`);
      mkdirSync(cache, { recursive: true });
      const work = mkdtempSync(join(cache, '.unpack-'));
      try {
        const unpacked = join(work, 'root');
        await unpackPackages(names, unpacked, log);
        mkdirSync(join(unpacked, 'bin'), { recursive: true });
        for (const name of links) symlinkSync('../usr/sbin/xtables-nft-multi', join(unpacked, 'bin', name));
        renameSync(unpacked, root);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    });
  }
  const [libraries] = libraryFolders(root);
  if (libraries === undefined) throw new Error(`${root} is incomplete: remove it and start again`);
  return {
    root,
    libraries,
    busybox: ['bin/busybox', 'usr/bin/busybox'].map((path) => join(root, path)).find(existsSync)!,
    cniPlugins: join(root, 'usr/lib/cni'),
  };
}
