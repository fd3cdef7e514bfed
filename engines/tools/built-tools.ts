import { join } from 'node:path';
import type { Log } from '../log.js';
import { withLock } from '../lock.js';
import { cacheRoot } from '../paths.js';
import { buildWithGo, type GoBuild } from './go-build.js';
import { findOnPath, fromEnvironment, isExecutable, versionText, type Tool } from './tool.js';

/**
 * A tool that is built from a pinned module if it is found nowhere. Release files of the projects are never downloaded:
 * a download is only as good as a checksum that was known beforehand, and `go.sum` already pins the sources. A release
 * file that an operator has checked is used through its environment variable.
 */
export interface BuiltTool {
  /** The variable that names the program. */
  variable: string;
  /** The pinned version: it names the folder in the cache. */
  version: string;
  /** The package in the module, and the name `go build` gives the program if it differs. */
  package: string;
  builtAs?: string;
  /** How to ask the program for its version; `--version` by default. */
  versionArgs?: string[];
  /** Whether a program on PATH with this version text is acceptable. */
  accepts: (version: string) => boolean;
}

export interface BuiltGroup {
  module: GoBuild['module'];
  ldflags: string;
  takes: string;
  tools: Record<string, BuiltTool>;
}

/**
 * Finds the tools of a group: environment variable, PATH, cache, and finally one build of all that are missing. If two
 * processes need the same build, only one builds: the second waits.
 *
 * @throws ToolMissing with what to install.
 */
export async function findBuiltTools<Name extends string>(
  group: BuiltGroup & { tools: Record<Name, BuiltTool> },
  log: Log,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Record<Name, Tool>> {
  const cache = cacheRoot(env);
  const names = Object.keys(group.tools) as Name[];
  const places = (name: Name) => join(cache, name, group.tools[name].version, name);
  const found = await find();
  if (missing().length > 0) {
    await withLock(join(cache, `${group.module}.lock`), `building ${missing().join(', ')}`, log, async () => {
      Object.assign(found, await find());
      const left = missing();
      if (left.length === 0) return;
      const programs = Object.fromEntries(
        left.map((name) => {
          const { package: source, builtAs } = group.tools[name];
          return [name, { package: source, target: places(name), ...(builtAs === undefined ? {} : { builtAs }) }];
        }),
      );
      await buildWithGo(
        { module: group.module, ldflags: group.ldflags, takes: group.takes, programs },
        cache,
        env,
        log,
      );
      for (const name of left) found[name] = { path: places(name), from: 'built' };
    });
  }
  return found as Record<Name, Tool>;

  function missing(): Name[] {
    return names.filter((name) => found[name] === undefined);
  }

  async function find(): Promise<Partial<Record<Name, Tool>>> {
    const tools: Partial<Record<Name, Tool>> = {};
    await Promise.all(
      names.map(async (name) => {
        const { variable, accepts, versionArgs }: BuiltTool = group.tools[name];
        const given = fromEnvironment(variable, env);
        const onPath = given === undefined ? findOnPath(name, env) : undefined;
        if (given !== undefined) tools[name] = given;
        else if (onPath !== undefined && accepts(await versionText({ path: onPath }, versionArgs)))
          tools[name] = { path: onPath, from: 'PATH' };
        else if (isExecutable(places(name))) tools[name] = { path: places(name), from: 'cache' };
      }),
    );
    return tools;
  }
}
