import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { privateKeyToAccount } from 'viem/accounts';
import { login } from '../client/session.js';
import { readDelegationFile } from './delegation.js';
import { UsageError, type Options } from './options.js';
import { runProgram } from './program.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { readProviderState, type ProviderState } from './provider-state.js';
import { openState } from './state.js';

const pollMs = 10_000;

/**
 * Takes a provider out of service and waits for its last job to end and, when it is retired, for its node to leave the
 * cluster. The order stands even if this program is stopped first.
 *
 * @throws UsageError; Error when the broker rejects the order or the join cannot be undone.
 */
export async function takeOutOfService(
  options: Options,
  { signal, say }: { signal: AbortSignal; say: Say },
): Promise<void> {
  const { broker, reset, retire, wallet } = options;
  if (broker === undefined) throw new UsageError('--broker is required');
  if (reset && wallet && !retire)
    throw new UsageError('--reset requires --retire: a drained provider is expected to come back');
  if (reset && process.getuid?.() !== 0) throw new UsageError('--reset: undoing the join requires root');
  const providerId = options.id ?? signedId(options);
  if (wallet) await order(providerId, options, broker, say);

  const isDone = ({ status, drained }: ProviderState) => status === 'retired' || (drained && !retire && !reset);
  const waiting = createOnce(say);
  for (;;) {
    const state = await readProviderState(broker, providerId, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return reasonOf(error);
    });
    if (state === undefined) throw new Error(`the broker knows no provider ${providerId}`);
    if (typeof state !== 'string' && isDone(state)) break;
    waiting.once(typeof state === 'string' ? `the broker does not answer: ${state}` : stateOf(state, retire || reset));
    await sleep(pollMs, undefined, { signal });
  }
  say(`${providerId} has ${retire || reset ? 'left the fleet' : 'no jobs and gets no new ones'}`);
  if (!reset) return;
  // Only on the machine itself, where `run` would otherwise register the provider again.
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
    throw new UsageError(
      `the owner's wallet has to give this order. In the browser: wl provider ${retire ? 'retire' : 'drain'} ${providerId}; ` +
        'with a private key in a file: set WALLET_PRIVATE_KEY_FILE (or WALLET_PRIVATE_KEY) for this command',
    );
  const session = await login({
    ...{ api: broker, chainId, scopes: ['providers:write'], ttlSeconds: 600, label: 'provider-agent leave' },
    account: privateKeyToAccount(walletPrivateKey as `0x${string}`),
  });
  const body = deadlineHours === undefined ? undefined : { deadline_s: Math.round(deadlineHours * 3_600) };
  const reply = await session.request('POST', `/api/v1/providers/${providerId}/${retire ? 'retire' : 'drain'}`, body);
  const { code, detail } = (reply.body ?? {}) as { code?: string; detail?: string };
  // An earlier order has already retired it.
  if (code === 'provider_retired') return;
  if (reply.status >= 300) throw new Error(`the broker answered ${reply.status}: ${detail ?? code ?? ''}`);
  say(
    `ordered: ${providerId} will ${retire ? 'leave the fleet after its last job' : 'finish its jobs and get no new ones'}`,
  );
}

function stateOf({ status, cordoned, drained, retiring }: ProviderState, leaves: boolean): string {
  if (leaves && !retiring) return `the provider is ${status} and has no order to leave: --wallet --retire gives it`;
  if (!cordoned) return `the provider is ${status} and has no order to drain: --wallet gives it`;
  return drained ? 'the provider has no jobs; its node is leaving the cluster' : 'waiting for its jobs to end';
}

function signedId(options: Options): string {
  const state = openState(options.state);
  const read = readDelegationFile(state.delegationFile, { nodeKey: state.nodeKey().address, nowMs: 0 });
  if (typeof read === 'string') throw new UsageError(`--id is required here: ${read}`);
  return read.message.providerId;
}

async function undoJoin(say: Say): Promise<void> {
  const finished = await runProgram('kubeadm', ['reset', '--force'], { onLine: (line) => say(`kubeadm: ${line}`) });
  if (finished?.code !== 0) throw new Error('kubeadm reset failed: the machine is not cleaned up');
  say('the join is undone; firewall rules and /etc/cni are yours to clean up, as kubeadm says above');
}
