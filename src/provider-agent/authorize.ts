import { resolve } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import { authorizeNodeKey } from './signer.js';
import { UsageError, type Options } from './options.js';
import type { Say } from './say.js';
import { openState, writeWhole } from './state.js';
import { keyForOwner } from './trust.js';

/**
 * Has the owner's wallet sign that a key may speak for a provider. The wallet is used in this process only.
 *
 * @param print is given the delegation where it is not written to a file.
 * @throws UsageError
 */
export async function authorize(options: Options, { say, print }: { say: Say; print: Say }): Promise<void> {
  const { id, walletPrivateKey, broker, audience, chainId, days } = options;
  if (id === undefined) throw new UsageError('--id: which provider?');
  if (walletPrivateKey === undefined)
    throw new UsageError('WALLET_PRIVATE_KEY or WALLET_PRIVATE_KEY_FILE has to be set');
  const origin = audience ?? broker;
  if (origin === undefined) throw new UsageError('--broker: the signature is good for one broker only');
  const isElsewhere = options.nodeKey !== undefined;
  const wallet = privateKeyToAccount(walletPrivateKey as `0x${string}`);
  const authorization = await authorizeNodeKey(wallet, {
    ...{ providerId: id, chainId, validForS: days * 86_400, audience: new URL(origin).origin },
    nodeKey: options.nodeKey ?? openState(options.state).nodeKey().address,
  });
  const brokerKey = options.brokerKey ?? (await keyForOwner(broker, say));
  // Beside what is signed: it is for the machine, which trusts whoever puts this file there.
  const written = { ...authorization, ...(brokerKey === undefined ? {} : { broker_key: brokerKey }) };
  const text = `${JSON.stringify(written, null, 2)}\n`;
  const out = options.out ?? (isElsewhere ? '-' : openState(options.state).delegationFile);
  say(`${wallet.address} will be paid for ${id}; the machine has to use this within ten minutes`);
  if (out === '-') return print(text.trimEnd());
  writeWhole(resolve(out), text);
  say(`written to ${out}`);
}
