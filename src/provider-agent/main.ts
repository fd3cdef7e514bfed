#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { stopSignal, type StopRequested } from '../lifecycle.js';
import { runAgent } from './agent.js';
import { authorize } from './authorize.js';
import { doctor } from './doctor-command.js';
import { helpOf } from './help.js';
import { install, thisTarget } from './install.js';
import { takeOutOfService } from './leave.js';
import { commands, optionsOf, readOptions, UsageError, type Command } from './options.js';
import { sayAloud, type Say } from './say.js';
import { scan } from './scan-report.js';
import { openState } from './state.js';
import { troubleOf, unknownWord } from './trouble.js';
import { trust } from './trust-command.js';

const print: Say = (line) => console.log(line);
/** Standard error, for commands whose result goes to standard output. */
const remark: Say = (line) => console.error(line);

const stopping = new AbortController();

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!stopping.signal.aborted) {
    // What is wrong with options has a line for each; everything else is one line.
    remark(`✗ ${error instanceof UsageError ? error.message : troubleOf(error)}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

async function main(words: string[]): Promise<void> {
  // `npx worldland-broker provider-agent run` passes the program's name as the first word: the package has one program.
  const [name, ...rest] = words[0] === 'provider-agent' ? words.slice(1) : words;
  const command = commands.find((known) => known === name);
  if (command === undefined) {
    if (name !== undefined && !/^(?:-h|--help|help)$/.test(name))
      throw new UsageError(unknownWord('command', name, commands, 'provider-agent --help'));
    return print(helpOf());
  }
  const flags = flagsOf(command, rest);
  if (flags['help'] === true) return print(helpOf(command));
  const options = readOptions(command, flags, process.env);
  const ends = () => {
    const told = stopSignal();
    told.addEventListener('abort', () => {
      sayAloud(`${(told.reason as StopRequested).signal}: stopping`);
      stopping.abort();
    });
    return { signal: stopping.signal, say: sayAloud };
  };
  if (command === 'run') await runAgent(options, ends());
  else if (command === 'leave') await takeOutOfService(options, ends());
  else if (command === 'authorize') await authorize(options, { say: remark, print });
  else if (command === 'scan') await scan(options, { print });
  else if (command === 'doctor') process.exitCode = (await doctor(options, { print })) ? 0 : 1;
  else if (command === 'install') await install(options, { say: print, print }, thisTarget());
  else if (command === 'trust') await trust(options, { say: print });
  else print(openState(options.state).nodeKey().address);
}

function flagsOf(command: Command, words: string[]): Record<string, string | boolean | undefined> {
  const flags = optionsOf(command)
    .filter(({ about }) => about.secret !== true)
    .map(({ flag, about }) => [flag, { type: about.value === undefined ? 'boolean' : 'string' }] as const);
  try {
    const { values } = parseArgs({
      args: words,
      options: { ...Object.fromEntries(flags), help: { type: 'boolean', short: 'h' } },
    });
    return values;
  } catch (error) {
    throw new UsageError(
      problemOfWords(
        (error as Error).message,
        command,
        flags.map(([flag]) => flag),
      ),
      { cause: error },
    );
  }
}

/** Node explains at length how an unknown option could be meant as something else, which here it never is. */
function problemOfWords(message: string, command: Command, flags: readonly string[]): string {
  const help = `provider-agent ${command} --help`;
  const unknown = /^Unknown option '([^']*)'/.exec(message)?.[1];
  if (unknown !== undefined) return unknownWord('option', unknown, flags, help);
  return `${message.split('\n')[0]!.replace(/\.$/, '')} (${help} lists the options)`;
}
