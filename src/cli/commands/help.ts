import type { Command } from 'commander';
import type { Context } from '../context.js';
import { exitCodeTexts, usage } from '../failure.js';
import { clean } from '../../words/clean.js';
import type { Args, Run } from '../tree/command.js';

/** `wl help`, `wl help provider drain`, `wl help exit-codes`. */
export function help(program: Command): Run {
  return async (context: Context, [words]: Args) => {
    const path = (words as string[] | undefined) ?? [];
    if (path[0] === 'exit-codes') {
      for (const [code, text] of exitCodeTexts)
        context.screen.paragraph(`${String(code).padStart(3)}  ${text}`, '     ');
      return context.screen.paragraph('ssh and cp exit with the code of ssh.');
    }
    let command = program;
    for (const word of path) {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) throw usage(`there is no command "${clean(path.join(' '))}"`, 'wl --help lists them');
      command = next;
    }
    process.stdout.write(command.helpInformation());
  };
}
