import { Option, type Command } from 'commander';
import { walletKinds, walletKindsWithoutPage } from '../wallets/kinds.js';
import { adder, type Runner } from './command.js';
import * as values from './values.js';

export function addAccessCommands(program: Command, runner: Runner): void {
  const add = adder(program, runner);
  add('login', 'a wallet lets this computer rent, up to a limit', () => import('../commands/login.js'))
    .option('--wallet <KIND>', `who signs: ${walletKinds}`)
    .option('--spend-limit <N>', 'how many tokens its jobs may cost together', values.tokenAmount)
    .option('--for <TIME>', 'how long it lasts: 8h', values.duration)
    .option('--scopes <WORDS>', 'what it may do: jobs:read,jobs:write,…', values.words)
    .option('--admin', 'to operate the broker')
    .option('--label <TEXT>', 'what the list of sessions calls it')
    .option('--chain-id <N>', 'the chain of the wallet', values.wholeNumber)
    .option('--audience <ORIGIN>', "the broker's public origin, if you reach it by another address")
    .option('--token', 'print a bearer token, for curl')
    .option('--ttl <TIME>', 'how long the token lives: 1h', values.duration)
    .option('--no-browser', 'print the address of the page, and take its answer by paste');
  add('logout', 'end this login', () => import('../commands/logout.js')).option(
    '--everywhere',
    'all logins of the wallet, on all computers',
  );
  add('whoami', 'who is logged in, until when, and what is left of the limit', () => import('../commands/whoami.js'));
  add('cost', 'what was spent', () => import('../commands/cost.js'))
    .option('--from <TIME>', 'since then: 2026-11-01', values.moment)
    .option('--to <TIME>', 'until then', values.moment)
    .addOption(
      new Option('--by <what>', 'a row for each')
        .choices(['job', 'day', 'provider', 'gpu_type', 'session'])
        .default('job'),
    )
    .option('--csv', 'as CSV');
  add(
    'cap [tokens]',
    'what your wallet may spend in a month; sets it with an amount',
    () => import('../commands/cap.js'),
  )
    .option('--clear', 'have none any more')
    .option('--wallet <KIND>', `who signs, if it is to be more: ${walletKinds}`)
    .option('--no-browser', 'print the address of the page, and take its answer by paste');
  add(
    'statement [month]',
    'what became of your money in a month: 2026-11',
    () => import('../commands/statement.js'),
  ).option('--csv', 'its bookings, as CSV');
  add('receipts [job]', 'what the broker signed about each job that ended', () => import('../commands/receipts.js'))
    .option('--from <TIME>', 'issued since then: 2026-11-01', values.moment)
    .option('--to <TIME>', 'until then', values.moment)
    .option('--verify', 'check all of them here: signatures, figures, and that none is missing')
    .option('--csv', 'as CSV');
  addKeys(program, runner);
  addTokens(program, runner);
  addSessions(program, runner);
}

function addKeys(program: Command, runner: Runner): void {
  const add = adder(program.command('keys').description('SSH keys that the broker keeps for you'), runner);
  add('ls', 'the keys', () => import('../commands/keys-ls.js'));
  add('add [file]', 'keep a public key, or let it in to a job', () => import('../commands/keys-add.js'))
    .option('--name <NAME>', 'its name')
    .option('--job <JOB>', 'let it in to this job instead, also while it runs');
  add('rm <name...>', 'forget keys', () => import('../commands/keys-rm.js'));
}

function addTokens(program: Command, runner: Runner): void {
  const add = adder(program.command('tokens').description('bearer tokens, for programs'), runner);
  add('ls', 'the tokens of your sessions', () => import('../commands/tokens-ls.js'));
  add('new', 'make one, and print it once', () => import('../commands/tokens-new.js'))
    .option('--scopes <WORDS>', 'what it may do', values.words)
    .option('--ttl <TIME>', 'how long it lives: 1h', values.duration);
  add('rm <id...>', 'revoke tokens', () => import('../commands/tokens-rm.js'));
}

function addSessions(program: Command, runner: Runner): void {
  const add = adder(program.command('sessions').description('logins of your wallet'), runner);
  add('ls', 'the logins', () => import('../commands/sessions-ls.js')).option('-a, --all', 'ended ones, too');
  add('end <id...>', 'end logins', () => import('../commands/sessions-end.js'));
  add('end-all', 'end all logins, this one last', () => import('../commands/sessions-end-all.js'))
    .option('--by-wallet', 'signed by the wallet: also when every session key is lost')
    .option('--wallet <KIND>', `who signs: ${walletKindsWithoutPage}`)
    .option('-y, --yes', 'do not ask');
}
