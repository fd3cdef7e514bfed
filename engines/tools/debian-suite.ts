import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../log.js';
import { freshLists } from './apt.js';
import { run } from './run.js';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** What only the scripts need that run when a package is installed, and Postgres' just-in-time compiler. */
const needless = /^(perl|libperl|libllvm|libz3|debconf|locales|libc-l10n|ucf|openssl_|ssl-cert|lib\w+-perl)/;

/** What nobody reads in a container. */
const unread = "--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'";

export interface SuitePackages {
  /** The name of a release of Debian, not that of this machine. */
  suite: string;
  packages: readonly string[];
  /** Without the packages that they depend on. */
  alone?: boolean;
}

/**
 * Unpacks packages of a release of Debian into a folder, with all that they depend on, as if nothing were installed. The
 * mirror is the machine's own. No script of a package runs.
 */
export async function unpackFromSuite(wanted: SuitePackages, root: string, log: Log): Promise<void> {
  mkdirSync(dirname(root), { recursive: true });
  const work = mkdtempSync(`${root}.apt-`);
  try {
    const env = { ...process.env, APT_CONFIG: await configuration(wanted.suite, work, log) };
    await run('apt-get', ['update'], { env, log, what: `apt-get update of ${wanted.suite}` });
    const debs = join(work, wanted.alone === true ? '.' : 'archives');
    const how = wanted.alone === true ? ['download'] : ['install', '--yes', '--download-only'];
    await run('apt-get', [...how, ...wanted.packages], {
      ...{ cwd: work, env, log, what: `apt-get ${how[0]} from ${wanted.suite}` },
    });
    // Whole systems have links there, and some packages have files behind them.
    if (wanted.alone !== true)
      for (const name of ['bin', 'sbin', 'lib', 'lib64']) link(`usr/${name}`, join(root, name));
    for (const deb of readdirSync(debs).filter((name) => name.endsWith('.deb') && !needless.test(name))) {
      await run('sh', [
        '-c',
        `dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink ${unread} -C "$1"`,
        join(debs, deb),
        root,
      ]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function link(target: string, path: string): void {
  mkdirSync(join(dirname(path), target), { recursive: true });
  try {
    symlinkSync(target, path);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
  }
}

/** Lists, archives and an empty status of their own; proxies and such stay those of the machine. */
async function configuration(suite: string, work: string, log: Log): Promise<string> {
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${keyring}] ${await mirror(work, log)} ${suite} main\n`);
  const settings = {
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': work,
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    // The account that apt switches to cannot reach root's cache.
    'APT::Sandbox::User': 'root',
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  };
  const file = join(work, 'apt.conf');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  return file;
}

/** The mirror from which this machine gets its own release of Debian. */
async function mirror(work: string, log: Log): Promise<string> {
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  const asked = ['indextargets', '--format', '$(REPO_URI) $(CODENAME)', 'Created-By: Packages', 'Component: main'];
  const find = async (options: string[]) => {
    const lines = (await run('apt-get', [...options, ...asked])).split('\n');
    return lines.map((line) => line.split(' ')).find(([uri, of]) => of === codename && uri!.endsWith('/debian/'))?.[0];
  };
  const found = (await find([])) ?? (await find(await freshLists(work, log)));
  if (found === undefined) throw new Error(`this machine's sources of packages name no mirror of Debian ${codename}`);
  return found;
}
