import { createInterface } from 'node:readline/promises';
import { requireJoinable } from './first-look.js';
import { joinArguments, parseJoinCommand } from './join-command.js';
import type { Options } from './options.js';
import { isInstalled, runProgram } from './program.js';
import type { Say } from './say.js';
import type { State } from './state.js';

export interface JoinOptions {
  options: Pick<Options, 'join' | 'caHash' | 'skipChecks'>;
  state: State;
  signal: AbortSignal;
  say: Say;
}

/** kubeadm pulls images first and then waits four minutes for its kubelet. */
const timeoutMs = 15 * 60_000;

/**
 * Joins the cluster that a join command names if this process may; otherwise writes the command to a file for root.
 *
 * @returns true once the machine has joined, false when root has to run the command.
 * @throws Error when the command is invalid, the machine is not ready, or kubeadm fails.
 */
export async function joinCluster(line: string, { options, state, signal, say }: JoinOptions): Promise<boolean> {
  const command = parseJoinCommand(line);
  const { caHash } = options;
  if (caHash !== undefined && !command.caHashes.every((hash) => `sha256:${hash}` === caHash))
    throw new Error('the join command is for a cluster whose CA does not match --ca-hash: it is not run');
  const args = joinArguments(command);
  const shown = `kubeadm ${args.join(' ').replace(command.tokenSecret, '…')}`;

  const obstacle = await obstacleTo(shown, options.join, signal);
  if (obstacle !== undefined) {
    state.keepJoinCommand(`kubeadm ${args.join(' ')}`);
    say(`${obstacle}. Run this as root within 15 minutes: sh ${state.joinCommandFile}`);
    return false;
  }
  await requireJoinable(options);
  say(`joining: ${shown}`);
  const finished = await runProgram('kubeadm', args, {
    timeoutMs,
    onLine: (text) => say(`kubeadm: ${text.replaceAll(command.tokenSecret, '…')}`),
  });
  if (finished?.code !== 0)
    throw new Error(
      `kubeadm failed with ${finished?.code === undefined ? 'no exit code' : `exit code ${finished.code}`}: fix what ` +
        'it reports; if an earlier attempt left files behind, run `kubeadm reset` as root',
    );
  say(`this machine has joined as ${command.nodeName ?? 'a node'}`);
  return true;
}

/** Why this process must not run the command itself; undefined when it may. */
async function obstacleTo(shown: string, join: Options['join'], signal: AbortSignal): Promise<string | undefined> {
  if (join === 'no') return 'the machine may join now';
  if (process.getuid?.() !== 0) return 'joining requires root, and this program does not run as root';
  if (!isInstalled('kubeadm')) return 'joining requires kubeadm, which is not in PATH';
  if (join === 'yes') return undefined;
  if (!process.stdin.isTTY) return 'the machine may join now (with --join yes it joins by itself)';
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`Run as root: ${shown} ? [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim()) ? undefined : 'the machine may join now';
  } finally {
    terminal.close();
  }
}
