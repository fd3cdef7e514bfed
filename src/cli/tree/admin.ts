import { Option, type Command } from 'commander';
import { adder, type Runner } from './command.js';
import * as values from './values.js';

const kinds = ['wallet', 'provider', 'image'];

/** Operators' commands: each request is signed, so they need `wl login --admin`. */
export function addAdminCommands(program: Command, runner: Runner): void {
  const add = adder(program.command('admin').description('operate the broker (wl login --admin)'), runner);
  add('overview', 'jobs, machines, streams, money', () => import('../commands/admin-overview.js'));
  add('stuck', 'what does not move, and why', () => import('../commands/admin-stuck.js'));
  add('jobs', "everybody's jobs", () => import('../commands/admin-jobs.js'))
    .option('--wallet <ADDRESS>', 'of this customer')
    .option('--provider <ID>', 'at this provider')
    .option('--status <WORD>', 'in this state')
    .option('--older-than <TIME>', 'ordered longer ago', values.duration);
  add('end <job>', 'end a job, with a reason that its customer reads', () => import('../commands/admin-end.js'))
    .requiredOption('--reason <TEXT>', 'why')
    .option('-y, --yes', 'do not ask');
  add('providers', 'all machines', () => import('../commands/admin-providers.js')).option(
    '--status <WORD>',
    'in this state',
  );
  add('approve <provider>', 'let one in that does not sign', () => import('../commands/admin-approve.js')).option(
    '--wallet <ADDRESS>',
    'only if this wallet is its owner',
  );
  add('dead-letters', 'provider messages that have been set aside', () => import('../commands/admin-dead-letters.js'))
    .option('--stream <NAME>', 'of this stream')
    .option('--provider <ID>', 'of this provider');
  add('audit', 'who did what, from where', () => import('../commands/admin-audit.js'))
    .option('--actor <ADDRESS>', 'by this wallet')
    .option('--target <NAME>', 'to this job or provider')
    .option('--action <NAME>', 'such as provider.drain');
  add('blocks', 'who and what is blocked', () => import('../commands/admin-blocks.js')).addOption(
    new Option('--kind <kind>', 'only these').choices(kinds),
  );
  add('block <kind> <value>', 'block a wallet, a provider or an image', () => import('../commands/admin-block.js'))
    .requiredOption('--reason <TEXT>', 'why')
    .option('--until <TIME>', 'until then', values.moment);
  add('unblock <kind> <value>', 'unblock it', () => import('../commands/admin-unblock.js'));
}
