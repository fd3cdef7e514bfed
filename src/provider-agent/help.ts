import { optionsOf, type Command } from './options.js';

const summaries: Record<Command, string> = {
  run: 'register this machine, join it to the cluster and send heartbeats',
  doctor: 'look for what is wrong with this machine, and say what to type about it',
  scan: 'print what this machine would register, and what it would earn',
  install: 'make `run`, with the options given, a service that starts with the machine',
  authorize: "allow a machine's key to speak for a provider; needs the owner's wallet, not the machine",
  key: "print the address of this machine's key, creating the key if there is none",
  trust: 'trust a new key of the broker after the broker has lost its old one',
  leave: 'take the provider out of service, wait for its last job to end and undo the join',
};

const notes: Partial<Record<Command, string>> = {
  run: `Runs until SIGTERM and survives outages of the network and of the broker. Once stopped, the provider goes offline
after three missed heartbeats. Running jobs stay a few minutes longer, so a restart disturbs nobody. To leave for good,
use \`leave\`.

The join command is checked word by word and run without a shell. Without --join yes, it is written to the file
join-command in --state, for root to read and run.`,
  doctor: `Lines begin with ✓ (fine), ! (works, but should be better), ✗ (has to be mended) or ? (could not be seen). The exit
code is 1 when there is a ✗. Nothing is changed. Without root some things cannot be seen.`,
  install: `Writes /etc/systemd/system/worldland-provider.service and, for the options, /etc/worldland-provider.env, which
only root can read; then starts the service. Repeat it to change options. --remove undoes it.`,
  authorize: `The delegation must be used within ten minutes. After that it is valid until it expires. It is not a secret.`,
  trust: `You do not need this otherwise: the agent trusts the first key that the broker gives over TLS, or that \`authorize\`
wrote beside the owner's signature, and each key signs for the next. Ask the broker's operator first.`,
  leave: `Taking the provider out of service needs the wallet and works from any machine. The machine itself only needs
\`leave --reset\`.`,
};

/** The help text for one command, or the overview of all commands. */
export function helpOf(command?: Command): string {
  if (command === undefined) {
    const lines = Object.entries(summaries).map(([name, summary]) => `  ${name.padEnd(10)} ${summary}`);
    return `Usage: provider-agent COMMAND [options]

The program that runs on a provider's machine.

${lines.join('\n')}

provider-agent COMMAND --help lists the options of a command. docs/provider.md describes the whole process.
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

Each option can also be set by the environment variable in brackets.
${notes[command] === undefined ? '' : `\n${notes[command]}\n`}`;
}
