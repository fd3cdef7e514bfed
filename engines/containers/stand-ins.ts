import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.js';
import { packageRoot } from '../paths.js';
import type { ContainerEngine } from './container-engine.js';
import { nodeSystem } from './node-system.js';
import { servicesSystem } from './services-system.js';

/** What makes a stand-in of each image, besides its files: as the image's own Dockerfile does. */
const services: Readonly<Record<string, string>> = {
  postgres: [
    'ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8',
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    'STOPSIGNAL SIGINT',
    'CMD ["postgres"]',
  ].join('\n'),
  redis: ['WORKDIR /data', 'ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["redis-server"]'].join('\n'),
  'temporalio/admin-tools': 'USER temporal',
  'temporalio/server': ['USER temporal', 'ENTRYPOINT ["temporal-server.sh"]'].join('\n'),
  'temporalio/ui': [
    'USER temporal',
    'WORKDIR /home/ui-server',
    'ENTRYPOINT ["temporal-ui-server", "--env", "docker", "start"]',
  ].join('\n'),
};

/**
 * Makes images under the given names, for a machine that reaches no registry: Debian's own packages, this machine's
 * Node or that of npm, and Temporal's programs built from the sources that go.mod pins.
 */
export async function makeStandIns(
  engine: ContainerEngine,
  names: readonly string[],
  log: Log,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const folder = join(engine.folder, 'stand-ins');
  mkdirSync(folder);
  const build = async (name: string, from: string, lines: string) => {
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${from}\n${lines}\n`);
    // The older builder: nothing is to be fetched, and only it builds on what was imported just now.
    await engine.docker(['build', '--quiet', '--tag', name, folder], { env: { DOCKER_BUILDKIT: '0' } });
  };
  const all = [...new Set(names)];
  const tag = (name: string) => name.split('@')[0]!;
  await engine.docker(['import', await servicesSystem(log, env), 'stand-in-services']);
  for (const name of all) {
    const repository = tag(name).split(':')[0]!;
    if (repository === 'node') {
      const { archive, lines } = await nodeSystem(name, log, env);
      await engine.docker(['import', archive, 'stand-in-node']);
      await build(tag(name), 'stand-in-node', lines);
      continue;
    }
    const lines = services[repository];
    if (lines === undefined) throw new Error(`engines/containers/stand-ins.ts has no stand-in for ${name}`);
    await build(tag(name), 'stand-in-services', lines);
  }
  await engine.nameByDigest(all.filter((name) => name.includes('@')));
}

/** The images on which the stages of a Dockerfile build, without those that are stages themselves. */
export function baseImages(dockerfile: string = readFileSync(join(packageRoot, 'Dockerfile'), 'utf8')): string[] {
  const lines = [...dockerfile.matchAll(/^FROM (\S+)(?: AS (\S+))?/gim)];
  const stages = new Set(lines.map(([, , stage]) => stage));
  return [...new Set(lines.map(([, image]) => image!).filter((image) => !stages.has(image)))];
}
