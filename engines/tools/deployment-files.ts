import { join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { buildWithGo, sourceDigest } from './go-build.js';
import { isExecutable, type Tool } from './tool.js';

/**
 * The program that reads docker-compose.yml and the Dockerfile with Docker's own libraries, for machines without Docker.
 *
 * @throws ToolMissing without a Go toolchain.
 */
export async function findDeploymentFiles(log: Log, env: NodeJS.ProcessEnv = process.env): Promise<Tool> {
  const cache = cacheRoot(env);
  const path = join(cache, 'deployment-files', sourceDigest('deployment-files'), 'deployment-files');
  if (isExecutable(path)) return { path, from: 'cache' };
  return await withLock(join(cache, 'deployment-files.lock'), 'building deployment-files', log, async () => {
    if (isExecutable(path)) return { path, from: 'cache' };
    await buildWithGo(
      {
        module: 'deployment-files',
        programs: { 'deployment-files': { package: '.', target: path } },
        ldflags: '-s -w',
        takes: 'half a minute',
      },
      cache,
      env,
      log,
    );
    return { path, from: 'built' };
  });
}
