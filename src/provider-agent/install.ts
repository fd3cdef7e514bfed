import { accessSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readMiningConfig, requireWay } from './agent.js';
import { UsageError, type Options } from './options.js';
import { runProgram, type Finished } from './program.js';
import type { Say } from './say.js';
import { writeWhole } from './state.js';
import { environmentText, ownMark, settingsOf, unitText, type ServiceProgram } from './unit-file.js';

const serviceName = 'worldland-provider.service';
const unitFile = `/etc/systemd/system/${serviceName}`;
const environmentFile = '/etc/worldland-provider.env';

/** Where to install; tests pass a folder and a program that notes its arguments. */
export interface Target {
  /** The root of the file system. */
  root: string;
  isRoot: boolean;
  env: NodeJS.ProcessEnv;
  program: ServiceProgram;
  systemctl(args: readonly string[]): Promise<Finished | undefined>;
}

export function thisTarget(): Target {
  return {
    root: '/',
    isRoot: process.getuid?.() === 0,
    env: process.env,
    program: { node: process.execPath, script: realpathSync(process.argv[1] ?? '') },
    systemctl: (args) => runProgram('systemctl', args),
  };
}

/**
 * Makes `run`, with the options given here, a service of this machine that starts with it. Repeating it changes only what
 * differs.
 *
 * @throws UsageError when `run` would not start with these options; Error when files of somebody else are in the way.
 */
export async function install(
  options: Options,
  { say, print }: { say: Say; print: Say },
  target: Target,
): Promise<void> {
  if (options.remove) return await remove(options, say, target);
  requireStartable(options, target);
  const { variables, flags } = settingsOf(options, target.env);
  for (const [name, value] of variables)
    if (/[\u0000-\u001f\u007f]/.test(value))
      throw new UsageError(`${name} has control characters, which no service can be given`);
  const unit = unitText(target.program, { flags, environmentFile });
  const environment = environmentText(variables);
  const files = [
    { path: environmentFile, text: environment, mode: 0o600 },
    { path: unitFile, text: unit, mode: 0o644 },
  ];
  for (const { path } of files) requireOwn(target, path);
  if (options.print) {
    for (const { path, text, mode } of files)
      print(`--- ${path} (mode ${mode.toString(8)})\n${withoutPasswords(text)}`);
    return print(
      `--- commands\nsystemctl daemon-reload\nsystemctl enable ${serviceName}\nsystemctl start ${serviceName}`,
    );
  }
  requireSystemd(target);
  const changed = files.filter(
    ({ path, text, mode }) => textIn(target, path) !== text || modeOf(target, path) !== mode,
  );
  // If this ends halfway, the agent does not go on with the old options, and a repetition starts it with the new ones.
  if (changed.length > 0 && textIn(target, unitFile) !== undefined) await systemctl(target, say, ['stop', serviceName]);
  for (const { path, text, mode } of changed) {
    mkdirSync(dirname(join(target.root, path)), { recursive: true });
    writeWhole(join(target.root, path), text, mode);
    say(`wrote ${path}`);
  }
  if (changed.length === 0) say('its files are as they should be');
  await systemctl(target, say, ['daemon-reload']);
  await systemctl(target, say, ['enable', serviceName]);
  await systemctl(target, say, ['start', serviceName]);
  say(`the agent runs as a service: journalctl -fu ${serviceName.replace('.service', '')} shows what it says`);
}

async function remove(options: Options, say: Say, target: Target): Promise<void> {
  const present = [unitFile, environmentFile].filter((path) => textIn(target, path) !== undefined);
  for (const path of present) requireOwn(target, path);
  if (present.length === 0) return say('no service is installed');
  if (options.print) return say(`would stop ${serviceName} and remove ${present.join(' and ')}`);
  requireSystemd(target);
  if (present.includes(unitFile)) await systemctl(target, say, ['disable', '--now', serviceName]);
  for (const path of present) {
    rmSync(join(target.root, path));
    say(`removed ${path}`);
  }
  await systemctl(target, say, ['daemon-reload']);
  say(`${options.state} stays: it has the key of this machine. \`provider-agent leave\` takes it out of the fleet`);
}

/** Whatever `run` would refuse at once, and what only a terminal can answer. */
function requireStartable(options: Options, { program: { script }, root }: Target): void {
  requireWay(options);
  if (options.join === 'ask')
    throw new UsageError('--join yes or --join no is required: nobody can be asked while it runs as a service');
  if (options.rejoin)
    throw new UsageError('--rejoin would undo every `leave` at the next restart: use it with `run`, once');
  if (/\.[cm]?ts$/.test(script))
    throw new UsageError('this program runs from its sources: build it, and install with what was built');
  if (/\/_npx\//.test(script))
    throw new UsageError(
      'npx keeps this program in a cache that it empties: install the package first (npm install -g)',
    );
  for (const file of [options.delegation, options.miningConfig]) {
    if (file === undefined) continue;
    if (!file.startsWith('/')) throw new UsageError(`${file}: a service needs the whole path`);
  }
  if (options.miningConfig !== undefined) readMiningConfig(join(root, options.miningConfig));
  if (!options.state.startsWith('/')) throw new UsageError(`--state ${options.state}: a service needs the whole path`);
  const mode = statSync(join(root, options.state), { throwIfNoEntry: false })?.mode ?? 0o700;
  if ((mode & 0o077) !== 0)
    throw new UsageError(`${options.state} is open to other users: run chmod 700 on it, or use another folder`);
}

function requireSystemd({ root, isRoot }: Target): void {
  if (!isRoot)
    throw new UsageError('installing a service requires root: use sudo, or --print to see what would be done');
  try {
    accessSync(join(root, '/run/systemd/system'));
  } catch {
    throw new UsageError('this machine does not run systemd: start `provider-agent run` by its own means');
  }
}

/** @throws Error when a file that is there was not written by this program; a link may lead anywhere. */
function requireOwn(target: Target, path: string): void {
  const text = textIn(target, path);
  if (text === undefined || text.startsWith(`${ownMark}\n`)) return;
  throw new Error(`${path} was not written by \`install\`: move it away first (mv ${path} ${path}.old)`);
}

function modeOf({ root }: Target, path: string): number {
  return lstatSync(join(root, path)).mode & 0o777;
}

/** A file's text; undefined when there is none; '' for anything but a file. */
function textIn({ root }: Target, path: string): string | undefined {
  try {
    return lstatSync(join(root, path)).isFile() ? readFileSync(join(root, path), 'utf8') : '';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EACCES') throw new Error(`${basename(path)} cannot be read: use sudo`, { cause: error });
    throw error;
  }
}

async function systemctl(target: Target, say: Say, args: readonly string[]): Promise<void> {
  say(`systemctl ${args.join(' ')}`);
  const finished = await target.systemctl(args);
  if (finished === undefined) throw new Error('systemctl is not in PATH');
  if (finished.code !== 0)
    throw new Error(`systemctl ${args[0]} failed: ${finished.stderr.trim() || `exit code ${finished.code}`}`);
}

function withoutPasswords(text: string): string {
  return text.replaceAll(/(:\/\/[^:@/\s]*:)[^@\s]+@/g, '$1…@');
}
