import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { run } from '../tools/run.js';
import { findOnPath, ToolMissing } from '../tools/tool.js';
import { systemArchive } from './system-archive.js';

const certificates = '/usr/local/share/ca-certificates/machine.crt';

/**
 * The stand-in of an image of Node: the release of Debian and the major version that its name says. With it comes how
 * this machine reaches npm's registry, because the build of an image does so, too.
 */
export async function nodeSystem(
  image: string,
  log: Log,
  env: NodeJS.ProcessEnv,
): Promise<{ archive: string; lines: string }> {
  const [, major, suite] = /^node:(\d+)[\d.]*-(\w+)/.exec(image) ?? [];
  if (major === undefined || suite === undefined)
    throw new Error(`${image}: neither a version nor a release of Debian`);
  const node = await nodeProgram(major, log, env);
  const npm = npmFolder(env);
  const bundle = env['NODE_EXTRA_CA_CERTS'];
  const ca = bundle !== undefined && existsSync(bundle) ? readFileSync(bundle, 'utf8') : undefined;
  const archive = await systemArchive(
    {
      ...{ name: `node-${major}`, suite, packages: ['libstdc++6'] },
      accounts: ['node:x:1000:1000::/home/node:/bin/bash'],
      copies: { 'usr/local/bin/node': node.path, 'usr/local/lib/node_modules/npm': npm },
      texts: {
        'usr/local/bin/npm': '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n',
        'usr/local/etc/npmrc': await npmConfiguration(env, ca !== undefined),
        ...(ca === undefined ? {} : { [certificates.slice(1)]: ca }),
      },
      links: {},
      versions: [
        node.version,
        (JSON.parse(readFileSync(join(npm, 'package.json'), 'utf8')) as { version: string }).version,
      ],
    },
    log,
    env,
  );
  const trusts = ca === undefined ? [] : [`ENV NODE_EXTRA_CA_CERTS=${certificates}`];
  return { archive, lines: [...trusts, 'ENV PATH=/usr/local/bin:/usr/bin:/bin', 'CMD ["node"]'].join('\n') };
}

/** This process's own program if it has the major version, else that of npm's package. */
async function nodeProgram(
  major: string,
  log: Log,
  env: NodeJS.ProcessEnv,
): Promise<{ path: string; version: string }> {
  if (process.versions.node.split('.')[0] === major) return { path: process.execPath, version: process.version };
  const cache = join(cacheRoot(env), 'node', major);
  const path = join(cache, 'package/bin/node');
  if (!existsSync(path)) {
    log(`fetching Node ${major} from npm into the cache: a few seconds, once`);
    mkdirSync(dirname(cache), { recursive: true });
    const work = mkdtempSync(`${cache}.`);
    try {
      const name = `node-linux-${process.arch === 'x64' ? 'x64' : process.arch}@${major}`;
      await run('npm', ['pack', '--silent', '--pack-destination', work, name], { cwd: work, env });
      await run('tar', [
        '-C',
        work,
        '-xzf',
        join(
          work,
          readdirSync(work).find((file) => file.endsWith('.tgz'))!,
        ),
      ]);
      rmSync(cache, { recursive: true, force: true });
      renameSync(work, cache);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return { path, version: createHash('sha256').update(readFileSync(path)).digest('hex') };
}

/** Where the npm of this machine has its files. */
function npmFolder(env: NodeJS.ProcessEnv): string {
  const npm = findOnPath('npm', env);
  if (npm === undefined) throw new ToolMissing('npm is needed: it comes with Node');
  return dirname(dirname(realpathSync(npm)));
}

/** What leads this machine to npm's registry, and nothing else of its settings. */
async function npmConfiguration(env: NodeJS.ProcessEnv, hasCertificates: boolean): Promise<string> {
  const lines = hasCertificates ? [`cafile=${certificates}`] : [];
  for (const name of ['registry', 'https-proxy', 'proxy']) {
    const value = (await run('npm', ['config', 'get', name], { env })).trim();
    if (value !== '' && value !== 'null' && value !== 'undefined') lines.push(`${name}=${value}`);
  }
  return `${lines.join('\n')}\n`;
}
