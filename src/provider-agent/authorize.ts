import { resolve } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import { authorizeNodeKey } from './signer.js';
import { UsageError, type Options } from './options.js';
import type { Say } from './say.js';
import { openState, writeWhole } from './state.js';
import { keyForOwner } from './trust.js';

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
  const brokerKey = options.brokerKey ?? (await keyForOwner(broker, say));
  // The broker's key is not part of what is signed. It is for the machine, which trusts whoever puts this file there.
  const written = { ...authorization, ...(brokerKey === undefined ? {} : { broker_key: brokerKey }) };
  const text = `${JSON.stringify(written, null, 2)}\n`;
  const out = options.out ?? (isElsewhere ? '-' : openState(options.state).delegationFile);
  say(`${wallet.address} will be paid for ${id}; the machine must use this delegation within ten minutes`);
  if (out === '-') return print(text.trimEnd());
  writeWhole(resolve(out), text);
  say(`written to ${out}`);
}
