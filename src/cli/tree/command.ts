import type { Command } from 'commander';
import type { Context } from '../context.js';
import type { ExitCode } from '../failure.js';

/** What a command does; each stands in a file of its own, which is loaded when it is called. */
export type Run = (context: Context, args: Args, flags: never) => Promise<ExitCode | void>;

/** Positional arguments: a variadic one is a list. */
export type Args = readonly (string | string[] | undefined)[];

/** How a parsed command is run: with its context, and its exit code kept. */
export type Runner = (run: () => Promise<Run>, args: Args, flags: Record<string, unknown>) => Promise<void>;

/** Adds a command; `spec` is its name and arguments, as commander writes them. */
export function adder(parent: Command, runner: Runner) {
  return (spec: string, text: string, load: () => Promise<{ run: Run }>): Command =>
    parent
      .command(spec)
      .description(text)
      .action(async (...given: unknown[]) => {
        const flags = given.at(-2) as Record<string, unknown>;
        await runner(async () => (await load()).run, given.slice(0, -2) as Args, flags);
      });
}
