import { optionsOf, type Command } from './options.js';

const summaries: Record<Command, string> = {
  run: 'register this machine, let it join, and say that it lives',
  authorize: "let a machine's key speak for a provider; needs the owner's wallet, and not the machine",
  key: "print the address of this machine's key, which is made when there is none",
  scan: 'print what would be registered, and what is missing on this machine',
  trust: 'believe another key of the broker, after it has lost the one before',
  leave: 'take the provider out of service, wait until its last job is over, undo the join',
};

const notes: Partial<Record<Command, string>> = {
  run: `It goes on until SIGTERM, through outages of the network and of the broker. After that the broker counts the
provider as offline once it has missed three heartbeats; jobs that run stay for some minutes more, so that a restart
disturbs nobody. To leave for good, use \`leave\`.

The join command is checked word by word and run without a shell. Without --join yes it is left in the file
join-command of --state, for root to read and run.`,
  authorize: `The delegation has to be used within ten minutes, and is then good until it expires. It is no secret.`,
  trust: `Not needed otherwise: the first key is the one that the broker names over TLS, or that \`authorize\` wrote beside the
owner's signature, and each next one is introduced by the one before it. Ask the broker's operator before.`,
  leave: `The order needs the wallet and can be given from anywhere; the machine needs \`leave --reset\` only.`,
};

/** The page for one command, or the one that names them all. */
export function helpOf(command?: Command): string {
  if (command === undefined) {
    const lines = Object.entries(summaries).map(([name, summary]) => `  ${name.padEnd(10)} ${summary}`);
    return `Usage: provider-agent COMMAND [options]

What runs on the machine of a provider.

${lines.join('\n')}

provider-agent COMMAND --help explains the options of one. docs/provider.md tells the whole way.
`;
  }
  const options = optionsOf(command).map(({ flag, about, byDefault }) => {
    const left = about.secret ? (about.env ?? '') : `--${flag}${about.value === undefined ? '' : ` ${about.value}`}`;
    const shown = typeof byDefault === 'string' || typeof byDefault === 'number' ? ` (default: ${byDefault})` : '';
    const env = about.env === undefined || about.secret ? '' : ` [${about.env}]`;
    return `  ${left.padEnd(27)} ${about.help}${shown}${env}`;
  });
  return `Usage: provider-agent ${command} [options]

${summaries[command][0]!.toUpperCase()}${summaries[command].slice(1)}.

${options.join('\n')}

Each can be set by the variable in brackets, too.
${notes[command] === undefined ? '' : `\n${notes[command]}\n`}`;
}
