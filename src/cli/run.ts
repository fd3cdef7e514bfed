import { CommanderError } from 'commander';
import { createContext } from './context.js';
import { told } from './error-words.js';
import { exitCodes, type ExitCode } from './failure.js';
import { createProgram } from './program.js';
import { cleanLines } from '../words/clean.js';
import { createScreen } from './terminal/screen.js';
import type { Global } from './global.js';
import type { Runner } from './tree/command.js';

/** Runs one command line; answers what to exit with. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done);
    throw error;
  });
  let exitCode: ExitCode = exitCodes.done;
  const runner: Runner = async (load, args, flags) => {
    const context = createContext(process.env, globals());
    const command = await load();
    exitCode = (await command(context, args, flags as never)) ?? exitCodes.done;
  };
  const program = createProgram(runner);
  const globals = () => program.opts<Global & Record<string, unknown>>();
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return ofCommander(error);
    return ofError(error, globals());
  }
}

function ofCommander(error: CommanderError): ExitCode {
  if (error.exitCode === 0) return exitCodes.done;
  // A group without a command has shown its help.
  if (error.code === 'commander.help') return exitCodes.usage;
  const line = error.message.replace(/^error: /, '').replace(/\n\(?(Did you mean [^)]*)\)?/, '. $1');
  complain(line, 'wl --help lists the commands; wl COMMAND --help its options', true);
  return exitCodes.usage;
}

function ofError(error: unknown, global: Global): ExitCode {
  const { exitCode, line, remedy, requestId } = told(error, { api: apiOf(global) });
  const shown = requestId !== undefined && (exitCode === exitCodes.bug || global.verbose === true);
  complain(shown ? `${line}   (request ${requestId})` : line, remedy, global.color);
  if (global.verbose === true && error instanceof Error) process.stderr.write(`${cleanLines(error.stack ?? '')}\n`);
  return exitCode;
}

function apiOf(global: Global): string | undefined {
  try {
    return createContext(process.env, global).api();
  } catch {
    return undefined;
  }
}

function complain(line: string, remedy: string | undefined, color: boolean): void {
  const { stdout, stderr, stdin } = process;
  const screen = createScreen({ stdout, stderr, stdin, env: process.env, isColourForbidden: !color, isQuiet: false });
  screen.warn(`${screen.paintNote('red', '✗')} ${line}`);
  if (remedy !== undefined) for (const each of remedy.split('\n')) screen.warn(`  ${each.trimStart()}`);
}
