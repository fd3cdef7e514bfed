import { Option, type Command } from 'commander';
import { walletKinds } from '../wallets/kinds.js';
import { adder, type Runner } from './command.js';
import * as values from './values.js';

export function addProviderCommands(program: Command, runner: Runner): void {
  const provider = program.command('provider').description('rent out: your machines, from anywhere');
  const add = adder(provider, runner);
  add('ls', 'your machines', () => import('../commands/provider-ls.js')).option('-a, --all', 'everybody’s');
  add('show <provider>', 'one machine', () => import('../commands/provider-show.js'));
  add('jobs <provider>', 'what it serves', () => import('../commands/provider-jobs.js'));
  add(
    'earnings [provider]',
    'what it earned; all of yours without one',
    () => import('../commands/provider-earnings.js'),
  )
    .option('--from <TIME>', 'since then: 2026-11-01', values.moment)
    .option('--to <TIME>', 'until then', values.moment)
    .addOption(new Option('--by <what>', 'a row for each').choices(['day', 'job']).default('day'))
    .option('--csv', 'as CSV');
  add(
    'receipts [provider]',
    'what the broker signed about the jobs it earned with; of all of yours without one',
    () => import('../commands/provider-receipts.js'),
  )
    .option('--from <TIME>', 'issued since then: 2026-11-01', values.moment)
    .option('--to <TIME>', 'until then', values.moment)
    .option('--verify', 'check all of them here: signatures and figures')
    .option('--csv', 'as CSV');
  add('usage <provider>', 'how busy it was', () => import('../commands/provider-usage.js')).addOption(
    new Option('--range <time>', 'how far back').choices(['24h', '7d', '30d']).default('24h'),
  );
  add('price <provider>', 'what it costs from now on, for new jobs', () => import('../commands/provider-price.js'))
    .option('--gpu <PRICE>', 'tokens for a GPU and hour; TYPE=PRICE for one type (repeatable)', values.list)
    .option('--cpu <PRICE>', 'tokens for a core and hour', values.amount)
    .option('--memory <PRICE>', 'tokens for a GB and hour', values.amount)
    .option('--storage <PRICE>', 'tokens for a GB of disk and hour', values.amount)
    .option('--reset', "the machine's own prices again");
  addOperations(add);
}

function addOperations(add: ReturnType<typeof adder>): void {
  const operation = () => import('../commands/provider-operation.js');
  const as = (name: string) => async () => {
    const { operate } = await operation();
    return { run: operate(name) };
  };
  add('cordon <provider>', 'no new jobs', as('cordon'));
  add('uncordon <provider>', 'new jobs again', as('uncordon'));
  add('drain <provider>', 'no new jobs, and the others end', as('drain')).option(
    '--deadline <TIME>',
    'at the latest then: 2h (their own end without it)',
    values.duration,
  );
  add('retire <provider>', 'take it out of the fleet', as('retire')).option('-y, --yes', 'do not ask');
  const wallet = ['--wallet <KIND>', `who signs: ${walletKinds}`] as const;
  add(
    'claim <provider>',
    'say that it is yours, for one that does not sign',
    () => import('../commands/provider-claim.js'),
  )
    .requiredOption('--node-key <ADDRESS>', 'the key of the machine')
    .option(...wallet);
  add(
    'authorize <provider>',
    'let the key of a machine speak for it',
    () => import('../commands/provider-authorize.js'),
  )
    .requiredOption('--node-key <ADDRESS>', 'the key of the machine, which provider-agent prints')
    .option('--for <TIME>', 'how long: 90d at most', values.duration)
    .option('--chain-id <N>', 'the chain of the wallet', values.wholeNumber)
    .option('--no-browser', 'print the address of the page, and take its answer by paste')
    .option('-o, --out <FILE>', 'write the delegation there, instead of sending it to the broker')
    .option(...wallet);
}
