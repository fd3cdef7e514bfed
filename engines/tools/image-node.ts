import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from '../lock.js';
import type { Log } from '../log.js';
import { cacheRoot } from '../paths.js';
import { run } from './run.js';
import { findOnPath, fromEnvironment, isExecutable, ToolMissing, versionText, type Tool } from './tool.js';

/**
 * The Node that the image runs on, as the Dockerfile says. npm has its programs as packages of the same version; what
 * they contain is pinned here, as everything else is in package-lock.json.
 */
export const imageNode = {
  version: '24.21.0',
  integrity: {
    x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  } as Readonly<Record<string, string>>,
} as const;

const major = /^\d+/.exec(imageNode.version)![0];

/**
 * Finds the Node of the image: `IMAGE_NODE`, which may be any of its major version; one on PATH that is no older; the
 * cache, or npm's package, fetched into the cache once. Nothing is installed: the machine's own Node stays what it is.
 *
 * @throws ToolMissing with what to do.
 */
export async function findImageNode(log: Log, env: NodeJS.ProcessEnv = process.env): Promise<Tool> {
  const given = fromEnvironment('IMAGE_NODE', env);
  if (given !== undefined) {
    const version = await versionText(given);
    if (isOfMajor(version)) return given;
    throw new ToolMissing(
      `IMAGE_NODE=${given.path} says that it is ${version.trim() || 'nothing'}: name a Node ${major}`,
    );
  }
  const onPath = findOnPath('node', env);
  if (onPath !== undefined && isAsGood(await versionText({ path: onPath }))) return { path: onPath, from: 'PATH' };
  const folder = join(cacheRoot(env), 'node', imageNode.version);
  const path = join(folder, 'bin/node');
  if (isExecutable(path)) return { path, from: 'cache' };
  await withLock(`${folder}.lock`, `fetching Node ${imageNode.version}`, log, async () => {
    if (!isExecutable(path)) await fetchImageNode(folder, log, env);
  });
  return { path, from: 'npm' };
}

function isOfMajor(version: string): boolean {
  return version.startsWith(`v${major}.`);
}

/** Within the major version, newer ones only mend it; an older one has faults that the image's has no more. */
function isAsGood(version: string): boolean {
  return isOfMajor(version) && version.trim().slice(1).localeCompare(imageNode.version, 'en', { numeric: true }) >= 0;
}

async function fetchImageNode(folder: string, log: Log, env: NodeJS.ProcessEnv): Promise<void> {
  const name = `node-linux-${process.arch}`;
  const integrity = imageNode.integrity[process.arch];
  if (process.platform !== 'linux' || integrity === undefined) {
    throw new ToolMissing(
      `no package with Node ${major} is known for ${process.platform}-${process.arch}: name one in IMAGE_NODE`,
    );
  }
  log(`fetching Node ${imageNode.version}, on which the image runs, by npm (60 MB, once)`);
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}.npm-`);
  try {
    const wanted = { dependencies: { [name]: imageNode.version } };
    writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, ...wanted }));
    // With a lock file npm refuses a package that is not the one that is pinned.
    const packages = { '': wanted, [`node_modules/${name}`]: { version: imageNode.version, integrity } };
    writeFileSync(join(work, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
    const { NODE_OPTIONS: _, ...own } = env;
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: work, env: own, log });
    const unpacked = join(work, 'node_modules', name);
    if (!existsSync(join(unpacked, 'bin/node'))) throw new Error(`${name} has no program bin/node`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unpacked, folder);
  } catch (error) {
    throw new ToolMissing(
      `Node ${imageNode.version} cannot be fetched: name a Node ${major} in IMAGE_NODE. ${(error as Error).message}`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
