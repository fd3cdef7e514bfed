import type { Command } from 'commander';
import { walletKindsThatSend } from '../wallets/kinds.js';
import { adder, type Runner } from './command.js';
import * as values from './values.js';

/** Commands of a site whose customers pay from deposits in a vault on a chain. */
export function addVaultCommands(program: Command, runner: Runner): void {
  const add = adder(program, runner);
  add(
    'balance',
    'what you have to spend: free, reserved, deposited, on its way',
    () => import('../commands/balance.js'),
  );
  sending(
    add(
      'deposit [tokens]',
      'put tokens into the vault, for jobs; without an amount, go on with it',
      () => import('../commands/deposit.js'),
    ),
  )
    .option('--cap <N>', 'what jobs may draw in all, since the beginning; alone, it raises that by a signature')
    .option('--call', 'raise the cap by a transaction instead of a signature');
  sending(
    add(
      'withdraw [tokens]',
      'take free tokens out of the vault; without an amount, go on with it',
      () => import('../commands/withdraw.js'),
    ),
  )
    .option('--to <ADDRESS>', 'who gets them (your wallet)')
    .option('--no-browser', 'print the address of the page, and take its answer by paste');
  sending(
    add(
      'exit',
      'take everything out of the vault without the broker: ask, wait, take',
      () => import('../commands/exit.js'),
    ),
  )
    .option('--cancel', 'call it off')
    .option('--to <ADDRESS>', 'who gets it (your wallet)');
  add(
    'settlements [number]',
    'what goes to the vault for everybody; one with your own line, checked',
    () => import('../commands/settlements.js'),
  )
    .option('-a, --all', 'all of them')
    .option('--rpc <URL>', 'a node of the chain, to compare with the vault');
  const earnings = program.command('earnings').description('what your machines earned, in the vault');
  sending(
    adder(earnings, runner)(
      'withdraw',
      'take them out, without the broker',
      () => import('../commands/earnings-withdraw.js'),
    ),
  ).option('--to <ADDRESS>', 'who gets them (your wallet)');
}

function sending(command: Command): Command {
  return command
    .option('--wallet <KIND>', `who signs and sends: ${walletKindsThatSend}`)
    .option('--rpc <URL>', 'a node of the chain (WORLDLAND_RPC; else "wl config set rpc")')
    .option('--vault <ADDRESS>', 'the vault; needed if the broker is away or names another one than before')
    .option('--timeout <TIME>', 'wait at most so long until it is final: 20m', values.duration)
    .option('--faster', 'offer more gas for what waits already')
    .option('--forget', 'give up what was begun and never will be final')
    .option('--print', 'print what to send from any wallet, and send nothing')
    .option('-y, --yes', 'do not ask');
}
