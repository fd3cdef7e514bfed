import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { libraryFolders, unpackPackages } from '../tools/apt.js';
import { unpackFromSuite } from '../tools/debian-suite.js';

/** Of Debian 12, where the command line of Docker comes with its engine. */
const names = ['docker.io', 'tini', 'containerd', 'runc', 'iptables', 'slirp4netns'];
/** Compose is in no suite before it, and this one runs on the older C library. */
const composeSuite = 'trixie';
const composeNames = ['docker-compose'];
const compose = 'usr/libexec/docker/cli-plugins/docker-compose';

export interface ContainerPackages {
  /** Like `/` of a system on which only these packages are installed. */
  root: string;
  libraries: string;
  docker: string;
  compose: string;
  slirp4netns: string;
}

/** A container engine and Compose, unpacked into the cache: installing them would start services. */
export async function findContainerPackages(
  log: Log,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ContainerPackages> {
  const cache = join(cacheRoot(env), 'container-packages');
  const madeOf = JSON.stringify([names, composeSuite, composeNames, readFileSync('/etc/os-release', 'utf8')]);
  const root = join(cache, createHash('sha256').update(madeOf).digest('hex').slice(0, 16));
  if (!existsSync(root)) {
    await withLock(`${cache}.lock`, 'fetching a container engine', log, async () => {
      if (existsSync(root)) return;
      log(`fetching ${[...names, ...composeNames].join(', ')} from Debian into the cache: 20 seconds, once`);
      mkdirSync(cache, { recursive: true });
      const work = mkdtempSync(join(cache, '.unpack-'));
      try {
        const unpacked = join(work, 'root');
        await unpackPackages(names, unpacked, log);
        await unpackFromSuite({ suite: composeSuite, packages: composeNames, alone: true }, unpacked, log);
        mkdirSync(join(unpacked, 'bin'), { recursive: true });
        // As Debian's alternatives would.
        for (const name of ['iptables', 'ip6tables'].flatMap((one) => [one, `${one}-save`, `${one}-restore`]))
          symlinkSync('../usr/sbin/xtables-nft-multi', join(unpacked, 'bin', name));
        renameSync(unpacked, root);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    });
  }
  const libraries = libraryFolders(root);
  if (libraries.length === 0 || !existsSync(join(root, compose)))
    throw new Error(`${root} is incomplete: remove it and start again`);
  return {
    ...{ root, libraries: libraries.join(':'), compose: join(root, compose) },
    docker: join(root, 'usr/bin/docker'),
    slirp4netns: join(root, 'usr/bin/slirp4netns'),
  };
}
