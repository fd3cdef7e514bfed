import type { Command } from 'commander';
import { exitCodeTexts } from '../../src/cli/failure.js';
import { createProgram } from '../../src/cli/program.js';
import { anchorOf, escaped, table, withCode } from './html.js';
import type { Page } from './layout.js';

/** Every command of `wl` with its options, from the tree that reads them. */
export function commandPage(): Page {
  // Nothing is run: the tree is only read.
  const program = createProgram(async () => undefined);
  const commands = leavesOf(program).map((path) => ({ line: `wl ${lineOf(path)}`, command: path.at(-1)! }));
  const sections = commands.map(({ line, command }) => section(line, command));
  return {
    address: '/docs/commands',
    title: 'Commands of wl',
    html: `<h1>Commands of wl</h1>
<p>Every command with its options, as <code>wl COMMAND --help</code> shows them. These work with each of them:</p>
${optionTable('wl', program)}
${sections.join('\n')}
<h2 id="exit-codes">Exit codes</h2>
${table(
  'Exit codes',
  ['Code', 'Meaning'],
  exitCodeTexts.map(([code, text]) => [String(code), withCode(text)]),
)}`,
    sections: [
      ...commands.map(({ line }) => ({ title: line, anchor: anchorOf(line), depth: 2 })),
      { title: 'Exit codes', anchor: 'exit-codes', depth: 2 },
    ],
    summary: 'Every command of wl with its options, and the exit codes.',
  };
}

/** The commands that do something, each with the groups above it; what only the shell calls is left out. */
function leavesOf(parent: Command, above: Command[] = []): Command[][] {
  return parent.commands
    .filter((command) => command.name() !== 'complete')
    .flatMap((command) => {
      const path = [...above, command];
      return command.commands.length === 0 ? [path] : leavesOf(command, path);
    });
}

function lineOf(path: readonly Command[]): string {
  const words = path.map((command) => command.name());
  const values = path.at(-1)!.registeredArguments.map((argument) => {
    const name = argument.name().toUpperCase() + (argument.variadic ? '…' : '');
    return argument.required ? name : `[${name}]`;
  });
  return [...words, ...values].join(' ');
}

function section(line: string, command: Command): string {
  const said = command.description();
  return `<h2 id="${escaped(anchorOf(line))}"><code>${escaped(line)}</code></h2>
<p>${withCode(said.charAt(0).toUpperCase() + said.slice(1))}.</p>
${optionTable(line, command)}`;
}

function optionTable(line: string, command: Command): string {
  const rows = command.options
    .filter(({ hidden }) => !hidden)
    .map(({ flags, description, argChoices, defaultValue }) => [
      `<code>${escaped(flags)}</code>`,
      withCode(description) +
        (argChoices === undefined
          ? ''
          : `: ${argChoices.map((choice) => `<code>${escaped(choice)}</code>`).join(', ')}`),
      typeof defaultValue === 'string' ? `<code>${escaped(defaultValue)}</code>` : '',
    ]);
  return rows.length === 0 ? '' : table(`Options of ${line}`, ['Option', 'What it does', 'Without it'], rows);
}
