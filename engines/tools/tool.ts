import { accessSync, constants, statSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** An existing program that can be started. */
export interface Tool {
  path: string;
  /** Variables it needs, for example the folder of its shared libraries. */
  env?: Record<string, string>;
  /** Where it was found: the name of an environment variable, `PATH`, `cache`, `built`, … */
  from: string;
}

/** A tool is missing and cannot be obtained. The message says what to install. */
export class ToolMissing extends Error {
  override readonly name = 'ToolMissing';
}

/**
 * Returns the tool that an environment variable names.
 *
 * @throws ToolMissing if the variable is set and its program cannot be started: that is better than using another one.
 */
export function fromEnvironment(variable: string, env: NodeJS.ProcessEnv): Tool | undefined {
  const value = env[variable];
  if (value === undefined || value === '') return undefined;
  const path = value.includes('/') ? resolve(value) : findOnPath(value, env);
  if (path === undefined || !isExecutable(path))
    throw new ToolMissing(`${variable}=${value}: there is no program at that place`);
  return { path, from: variable };
}

/** The first executable file with that name in the folders of `PATH`. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    // A relative entry would make the result depend on the working directory.
    if (!isAbsolute(folder)) continue;
    const path = join(folder, name);
    if (isExecutable(path)) return path;
  }
  return undefined;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What a program prints when asked for its version; empty if it cannot be started. */
export async function versionText(tool: Pick<Tool, 'path' | 'env'>, args: string[] = ['--version']): Promise<string> {
  return new Promise((done) => {
    execFile(tool.path, args, { env: { ...process.env, ...tool.env }, timeout: 10_000 }, (error, stdout, stderr) =>
      done(error === null ? `${stdout}${stderr}` : ''),
    );
  });
}

/** Compares dotted versions number by number; returns a negative number, 0 or a positive number, for sorting. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) =>
    text
      .replace(/^v/, '')
      .split('.')
      .map((part) => Number.parseInt(part, 10) || 0),
  );
  for (let i = 0; i < Math.max(left!.length, right!.length); i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
