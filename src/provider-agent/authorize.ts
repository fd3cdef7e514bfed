import { resolve } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import { RejectedByBroker } from './broker-link.js';
import { createHttpsCaller } from './https-caller.js';
import { authorizeNodeKey, type NodeKeyAuthorization } from './signer.js';
import { SigningClock } from './signing-clock.js';
import { UsageError, type Options } from './options.js';
import { reasonOf, type Say } from './say.js';
import { openState, writeWhole } from './state.js';
import { keyForOwner } from './trust.js';

/** A request has a time limit of its own. */
const neverAborted = new AbortController().signal;

/**
 * Signs, with the owner's wallet, that a node key may speak for a provider. The wallet's key never leaves this process.
 *
 * @param print receives the delegation when it is not written to a file.
 * @throws UsageError
 */
export async function authorize(options: Options, { say, print }: { say: Say; print: Say }): Promise<void> {
  const { id, walletPrivateKey, broker, audience, chainId, days } = options;
  if (id === undefined) throw new UsageError('--id is required: the name of the provider');
  if (walletPrivateKey === undefined)
    throw new UsageError(
      `the owner's wallet has to sign that the machine may speak for ${id}, and is paid for it. In the browser: ` +
        `wl provider authorize ${id} --node-key ${options.nodeKey ?? '0x…'}; with a private key in a file: set ` +
        'WALLET_PRIVATE_KEY_FILE (or WALLET_PRIVATE_KEY) for this command',
    );
  const origin = audience ?? broker;
  if (origin === undefined) throw new UsageError('--broker is required: a signature is valid for one broker only');
  const isElsewhere = options.nodeKey !== undefined;
  const wallet = privateKeyToAccount(walletPrivateKey as `0x${string}`);
  const authorization = await authorizeNodeKey(wallet, {
    ...{ providerId: id, chainId, validForS: days * 86_400, audience: new URL(origin).origin },
    nodeKey: options.nodeKey ?? openState(options.state).nodeKey().address,
  });
  say(`${wallet.address} will be paid for ${id}; the machine must use this delegation within ten minutes`);
  if (options.out === undefined && isElsewhere && broker !== undefined) {
    if (await leftAtBroker(broker, id, authorization, say)) return;
  }
  const brokerKey = options.brokerKey ?? (await keyForOwner(broker, say));
  // The broker's key is not part of what is signed. It is for the machine, which trusts whoever puts this file there.
  const written = { ...authorization, ...(brokerKey === undefined ? {} : { broker_key: brokerKey }) };
  const text = `${JSON.stringify(written, null, 2)}\n`;
  const out = options.out ?? (isElsewhere ? '-' : openState(options.state).delegationFile);
  if (out === '-') return print(text.trimEnd());
  writeWhole(resolve(out), text);
  say(`written to ${out}`);
}

/**
 * Leaves a delegation where the machine fetches it.
 *
 * @returns false when the broker cannot keep it: then somebody has to carry it.
 * @throws Error when the broker would not accept it from the machine either.
 */
async function leftAtBroker(broker: string, id: string, delegation: NodeKeyAuthorization, say: Say): Promise<boolean> {
  const { prefix, ask } = createHttpsCaller({ api: broker, clock: new SigningClock(), signal: neverAborted, say });
  try {
    await ask('PUT', `${prefix}/api/v1/providers/${id}/delegation`, {}, delegation);
    say('left at the broker: the machine fetches it and goes on by itself');
    return true;
  } catch (error) {
    const isOlder = error instanceof RejectedByBroker && /^(?:not_found|method_not_allowed)$/.test(error.reason);
    if (error instanceof RejectedByBroker && !isOlder) throw error;
    say(`the broker does not keep it (${reasonOf(error)}): carry it to the machine yourself`);
    return false;
  }
}
