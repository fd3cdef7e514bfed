import tab, { type Complete } from '@bomb.sh/tab';
import type { Command, Option } from 'commander';
import { valuesFor, type ValueKind } from '../completion-values.js';
import type { Context } from '../context.js';
import type { Args, Run } from '../tree/command.js';

/** The values of an argument or a flag, by its name. */
const kinds: Readonly<Record<string, ValueKind>> = {
  job: 'job',
  from: 'job-path',
  to: 'job-path',
  gpu: 'gpu',
  '--provider': 'provider',
  '--key': 'key',
};

/** `wl complete -- WORDS`, which the shells' scripts ask when Tab is pressed. */
export function complete(program: Command): Run {
  return async (context: Context, [given]: Args) => {
    const words = (given as string[] | undefined) ?? [];
    const command = commandMeant(program, words);
    const values = await valuesFor(context, kindsOf(command));
    register(program, '', values);
    tab.parse([...words]);
  };
}

function commandMeant(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

function kindsOf(command: Command): ValueKind[] {
  const names = [
    ...command.registeredArguments.map((argument) => kindOfArgument(command, argument.name())),
    ...command.options.map((option) => kinds[option.long ?? '']),
  ];
  return [...new Set(names.filter((kind): kind is ValueKind => kind !== undefined))];
}

function kindOfArgument(command: Command, name: string): ValueKind | undefined {
  const group = command.parent?.name();
  if (name === 'provider') return group === 'provider' ? 'own-provider' : 'provider';
  if (name === 'name') return group === 'keys' ? 'key' : group === 'config' ? 'setting' : undefined;
  if (name === 'shell') return 'shell';
  return kinds[name];
}

type Values = ReadonlyMap<ValueKind, readonly (readonly [string, string])[]>;

/** Tells the completion of every command and flag; only those of the command in question have values. */
function register(command: Command, path: string, values: Values): void {
  for (const child of command.commands) {
    if (child.name() === 'complete') continue;
    const name = path === '' ? child.name() : `${path} ${child.name()}`;
    const known = tab.command(name, child.description());
    for (const argument of child.registeredArguments) {
      known.argument(argument.name(), offer(values, kindOfArgument(child, argument.name())), argument.variadic);
    }
    for (const option of [...child.options, ...(child.parent === null ? [] : rootOf(child).options)])
      flag(known, option, values);
    register(child, name, values);
  }
}

function flag(known: ReturnType<typeof tab.command>, option: Option, values: Values): void {
  const name = option.long?.replace(/^--/, '');
  if (name === undefined) return;
  const short = option.short?.replace(/^-/, '');
  const takes = option.required || option.optional;
  if (!takes)
    return void (short === undefined
      ? known.option(name, option.description)
      : known.option(name, option.description, short));
  const choices = option.argChoices ?? [];
  const handler =
    choices.length > 0
      ? (complete: Complete) => choices.forEach((choice) => complete(choice, ''))
      : offer(values, kinds[option.long!]);
  if (short === undefined) known.option(name, option.description, handler);
  else known.option(name, option.description, handler, short);
}

function offer(values: Values, kind: ValueKind | undefined) {
  const found = kind === undefined ? [] : (values.get(kind) ?? []);
  return (complete: Complete) => found.forEach(([value, text]) => complete(value, text));
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
