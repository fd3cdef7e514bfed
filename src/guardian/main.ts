import { BrokerError } from '../domain/errors.js';
import { stopSignal } from '../lifecycle.js';
import { NoEvidence } from './broker.js';
import { approve, callVault, retire, setUp, showDecisions } from './commands.js';
import { readGuardianSettings, SetupError } from './config.js';
import { runGuardian } from './run.js';

const help = `Usage: npm run guardian -- COMMAND

  run                    watches the vault (what it does without a command)
  setup                  checks everything, and approves the keys that sign receipts now
  status                 what was decided, and why; ends with 1 after a veto
  approve key ADDRESS    one more key may sign receipts
  approve payout ID      a payout by hand was looked up, and counts
  retire key ADDRESS     a key signs nothing from now on
  veto NUMBER REASON     vetoes a settlement by hand
  pause REASON           no deposits, proposals and executions for 72 hours
  unpause                ends that

What it reads from the environment, and what to do after a veto: docs/guardian.md`;

const print = (line: string) => console.log(line);

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isExpected = error instanceof SetupError || error instanceof BrokerError || error instanceof NoEvidence;
  console.error(isExpected ? `✗ ${error.message}` : error);
  process.exitCode = error instanceof SetupError ? 2 : 1;
}

async function main([command = 'run', ...rest]: string[]): Promise<void> {
  if (/^(?:-h|--help|help)$/.test(command)) return print(help);
  const settings = () => readGuardianSettings(process.env);
  if (command === 'run') return await runGuardian(settings(), stopSignal());
  if (command === 'setup') return await setUp(settings(), print);
  if (command === 'approve') return approve(settings(), rest, print);
  if (command === 'retire') return retire(settings(), rest, print);
  if (command === 'status') {
    if (!showDecisions(settings(), print)) process.exitCode = 1;
    return;
  }
  if (command === 'unpause') return await callVault(settings(), { call: { name: 'unpause' }, reason: '' }, print);
  if (command === 'pause')
    return await callVault(settings(), { call: { name: 'pause' }, reason: reasonIn(rest) }, print);
  if (command === 'veto') {
    const [number = '', ...words] = rest;
    if (!/^[1-9]\d{0,14}$/.test(number)) throw new SetupError('Say which: veto NUMBER REASON.');
    const call = { name: 'veto', number: Number(number) } as const;
    return await callVault(settings(), { call, reason: reasonIn(words) }, print);
  }
  throw new SetupError(`There is no command ${command}.\n\n${help}`);
}

/** Whoever comes later wants to know why. */
function reasonIn(words: readonly string[]): string {
  const reason = words.join(' ').trim();
  if (reason === '') throw new SetupError('Say why, in quotes: the log keeps it.');
  return reason.slice(0, 500);
}
