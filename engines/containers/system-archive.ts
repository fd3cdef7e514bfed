import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from '../lock.js';
import { seconds, type Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { unpackFromSuite } from '../tools/debian-suite.js';
import { run } from '../tools/run.js';

export interface SystemArchive {
  /** For the log, and its name in the cache. */
  name: string;
  /** The release of Debian whose packages it has. */
  suite: string;
  packages: readonly string[];
  /** Lines of /etc/passwd besides those that Debian has. */
  accounts: readonly string[];
  /** Files and folders of this machine, by their place in it. */
  copies: Readonly<Record<string, string>>;
  /** Texts, by their place in it. Programs are those whose text begins with `#!`. */
  texts: Readonly<Record<string, string>>;
  links: Readonly<Record<string, string>>;
  /** What `copies` are, so that other contents make another archive. */
  versions: readonly string[];
}

const always = ['bash', 'coreutils', 'dash', 'findutils', 'grep', 'hostname', 'libc-bin', 'sed', 'util-linux'];

/** The archive of a small Linux for `docker import`, made once and kept in the cache. Needs root, for its owners. */
export async function systemArchive(system: SystemArchive, log: Log, env: NodeJS.ProcessEnv): Promise<string> {
  const digest = createHash('sha256')
    .update(JSON.stringify([system, always]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheRoot(env), 'container-systems');
  const archive = join(folder, `${system.name}-${digest}.tar`);
  if (existsSync(archive)) return archive;
  return await withLock(`${folder}.lock`, `making the system ${system.name}`, log, async () => {
    if (existsSync(archive)) return archive;
    log(`making a small Debian ${system.suite} with ${system.name}: half a minute, once`);
    const began = Date.now();
    mkdirSync(folder, { recursive: true });
    const work = mkdtempSync(join(folder, '.make-'));
    try {
      const root = join(work, 'root');
      await unpackFromSuite({ suite: system.suite, packages: [...always, ...system.packages] }, root, log);
      furnish(root, system);
      await run('tar', ['-C', root, '--numeric-owner', '-cf', join(work, 'tar'), '.']);
      renameSync(join(work, 'tar'), archive);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    log(`  ${system.name}: ${seconds(Date.now() - began)}`);
    return archive;
  });
}

function furnish(root: string, { accounts, copies, texts, links }: SystemArchive): void {
  for (const name of ['tmp', 'var/tmp']) {
    mkdirSync(join(root, name), { recursive: true });
    chmodSync(join(root, name), 0o1777);
  }
  for (const name of ['proc', 'sys', 'dev', 'run', 'root', 'home']) mkdirSync(join(root, name), { recursive: true });
  const users = ['root:x:0:0:root:/root:/bin/sh', 'nobody:x:65534:65534:nobody:/:/usr/sbin/nologin', ...accounts];
  const groups = users.map((line) => line.split(':')).map(([name, , , gid]) => `${name}:x:${gid}:`);
  const files = {
    'etc/passwd': users,
    'etc/group': groups,
    'etc/nsswitch.conf': ['passwd: files', 'hosts: files dns'],
  };
  for (const [path, lines] of Object.entries(files)) write(path, `${lines.join('\n')}\n`);
  for (const [path, source] of Object.entries(copies)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(source, join(root, path), { recursive: true, verbatimSymlinks: true });
  }
  for (const [path, text] of Object.entries(texts)) write(path, text);
  for (const [path, target] of Object.entries(links)) {
    rmSync(join(root, path), { force: true });
    cpSync(join(root, dirname(path), target), join(root, path));
  }

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
  }
}
