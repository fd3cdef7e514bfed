import { Option, type Command } from 'commander';
import { adder, type Runner } from './command.js';

export function addSetUpCommands(program: Command, runner: Runner): void {
  const add = adder(program, runner);
  add('ssh-config', 'make "ssh wl-NAME" work, by two lines in ~/.ssh/config', () => import('../commands/ssh-config.js'))
    .option('--print', 'print what ssh would read, and change nothing')
    .option('--remove', 'take the two lines out again')
    .option('-y, --yes', 'do not ask');
  const config = adder(program.command('config').description('defaults of this computer'), runner);
  config('ls', 'all of them', () => import('../commands/config-ls.js'));
  config('get <name>', 'one of them', () => import('../commands/config-get.js'));
  config('set <name> [value]', 'change one; without a value, forget it', () => import('../commands/config-set.js'));
  add(
    'completion <shell>',
    'the Tab key: bash, zsh, fish or powershell',
    () => import('../commands/completion.js'),
  ).option('--install', 'into the file that the shell reads at its start');
  add('mcp', 'serve a program that speaks MCP, within a login of its own', () => import('../commands/mcp.js'));
  add('doctor', 'what is wrong with this computer, and how to mend it', () => import('../commands/doctor.js'));
  add('open [job]', 'the pages of the broker, in the browser', () => import('../commands/open.js')).addOption(
    new Option('--print', 'print the address instead'),
  );
}
