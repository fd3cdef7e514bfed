import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { privateKeyToAccount } from 'viem/accounts';
import { login } from '../client/session.js';
import { readDelegationFile } from './delegation.js';
import { UsageError, type Options } from './options.js';
import { runProgram } from './program.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { readStanding, type Standing } from './standing.js';
import { openState } from './state.js';

const lookMs = 10_000;

/**
 * Takes a provider out of service and waits until that is done: for its last job to end, and for its node to leave the
 * cluster when it is retired. Ended before, what was ordered goes on all the same.
 *
 * @throws UsageError; Error when the broker refuses the order, or the join cannot be undone.
 */
export async function leave(options: Options, { signal, say }: { signal: AbortSignal; say: Say }): Promise<void> {
  const { broker, reset, retire, wallet } = options;
  if (broker === undefined) throw new UsageError('--broker: which one is to be left?');
  if (reset && wallet && !retire)
    throw new UsageError('--reset goes with --retire: a drained provider is to come back');
  if (reset && process.getuid?.() !== 0) throw new UsageError('--reset: to undo the join takes root');
  const providerId = options.id ?? signedId(options);
  if (wallet) await order(providerId, options, broker, say);

  const isDone = ({ status, drained }: Standing) => status === 'retired' || (drained && !retire && !reset);
  const waiting = createOnce(say);
  for (;;) {
    const standing = await readStanding(broker, providerId, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return reasonOf(error);
    });
    if (standing === undefined) throw new Error(`the broker knows no provider ${providerId}`);
    if (typeof standing !== 'string' && isDone(standing)) break;
    waiting.once(
      typeof standing === 'string' ? `the broker cannot be asked: ${standing}` : stateOf(standing, retire || reset),
    );
    await sleep(lookMs, undefined, { signal });
  }
  say(`${providerId} has ${retire || reset ? 'left the fleet' : 'no jobs and gets none'}`);
  if (!reset) return;
  // Of the machine, whose program would register it again.
  openState(options.state).markLeft();
  if (existsSync(options.kubeletConf)) await undoJoin(say);
}

async function order(
  providerId: string,
  { walletPrivateKey, chainId, retire, deadlineHours }: Options,
  broker: string,
  say: Say,
): Promise<void> {
  if (walletPrivateKey === undefined)
    throw new UsageError('WALLET_PRIVATE_KEY or WALLET_PRIVATE_KEY_FILE has to be set');
  const session = await login({
    ...{ api: broker, chainId, scopes: ['providers:write'], ttlSeconds: 600, label: 'provider-agent leave' },
    account: privateKeyToAccount(walletPrivateKey as `0x${string}`),
  });
  const body = deadlineHours === undefined ? undefined : { deadline_s: Math.round(deadlineHours * 3_600) };
  const reply = await session.request('POST', `/api/v1/providers/${providerId}/${retire ? 'retire' : 'drain'}`, body);
  const { code, detail } = (reply.body ?? {}) as { code?: string; detail?: string };
  // Ordered before, and done meanwhile.
  if (code === 'provider_retired') return;
  if (reply.status >= 300) throw new Error(`the broker answered ${reply.status}: ${detail ?? code ?? ''}`);
  say(
    `ordered: ${providerId} is to ${retire ? 'leave the fleet after its last job' : 'end its jobs and get no new ones'}`,
  );
}

function stateOf({ status, cordoned, drained, retiring }: Standing, leaves: boolean): string {
  if (leaves && !retiring) return `it is ${status}, and nobody has ordered it to leave: --wallet --retire does`;
  if (!cordoned) return `it is ${status}, and nobody has ordered it to be drained: --wallet does`;
  return drained ? 'it has no jobs; its node leaves the cluster' : 'waiting for its jobs to end';
}

function signedId(options: Options): string {
  const state = openState(options.state);
  const read = readDelegationFile(state.delegationFile, { nodeKey: state.nodeKey().address, nowMs: 0 });
  if (typeof read === 'string') throw new UsageError(`--id: which provider? (${read})`);
  return read.message.providerId;
}

async function undoJoin(say: Say): Promise<void> {
  const finished = await runProgram('kubeadm', ['reset', '--force'], { onLine: (line) => say(`kubeadm: ${line}`) });
  if (finished?.code !== 0) throw new Error('kubeadm reset failed: what the join has made is still there');
  say('the join is undone; network rules and /etc/cni are left to the owner, as kubeadm says');
}
