import { Command } from 'commander';
import { docsOf, rootHelp } from './root-help.js';
import { addAccessCommands } from './tree/access.js';
import { addAdminCommands } from './tree/admin.js';
import { adder, type Runner } from './tree/command.js';
import { addProviderCommands } from './tree/provider.js';
import { addRentCommands } from './tree/rent.js';
import { addSetUpCommands } from './tree/set-up.js';
import { addVaultCommands } from './tree/vault.js';
import { ownVersion } from './version.js';

/** The whole tree of commands. What they do is loaded when one is called. */
export function createProgram(runner: Runner): Command {
  const program = new Command('wl')
    .option('--api <url>', 'the broker')
    .option('--json', "one JSON document, in the API's own names")
    .option('-q, --quiet', 'ids only; no progress')
    .option('--utc', 'times absolute, in UTC')
    .option('--no-color', 'no colour')
    .option('-v, --verbose', 'more about errors')
    .version(ownVersion(), '-V, --version')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 20 })
    // Whatever is wrong is said once, in one place.
    .configureOutput({ writeErr: (text) => void process.stderr.write(text), outputError: () => undefined })
    .exitOverride();
  addRentCommands(program, runner);
  addAccessCommands(program, runner);
  addVaultCommands(program, runner);
  addProviderCommands(program, runner);
  addAdminCommands(program, runner);
  addSetUpCommands(program, runner);
  const add = adder(program, runner);
  add('help [words...]', 'explains a command', async () => {
    const { help } = await import('./commands/help.js');
    return { run: help(program) };
  });
  add('complete [words...]', 'what the Tab key asks', async () => {
    const { complete } = await import('./commands/complete.js');
    return { run: complete(program) };
  });
  program.helpInformation = () =>
    rootHelp({ version: ownVersion(), width: process.stdout.columns || 80, docs: docsOf(process.env) });
  for (const command of everyCommand(program)) {
    command.exitOverride().configureOutput(program.configureOutput()).helpCommand(false);
  }
  return program;
}

function everyCommand(parent: Command): Command[] {
  return parent.commands.flatMap((command) => [command, ...everyCommand(command)]);
}
