import { UsageError, type Options } from './options.js';
import type { Say } from './say.js';
import { openState } from './state.js';
import { askForKeys, isPrivate, keepTrusted, readTrusted } from './trust.js';

/**
 * Trusts a new key of the broker and no earlier one. Needed when the broker has lost its key and so could not sign for
 * the next one.
 *
 * @throws UsageError; Error when the broker cannot be asked.
 */
export async function trust(options: Options, { say }: { say: Say }): Promise<void> {
  const { broker, audience, brokerKey, insecure } = options;
  const origin = audience ?? broker;
  if (origin === undefined) throw new UsageError('--broker is required');
  const key = brokerKey ?? (await askedKey(broker, insecure));
  const file = openState(options.state).brokerKeysFile;
  const before = readTrusted(file, new URL(origin).origin);
  keepTrusted(file, new URL(origin).origin, key);
  if (before?.key === key) return say(`${key} is already trusted`);
  say(`${key} is now trusted${before === undefined ? '' : `, and ${before.key} no longer is`}`);
}

async function askedKey(broker: string | undefined, insecure: boolean) {
  if (broker === undefined) throw new UsageError('--broker or --broker-key is required');
  if (!insecure && !isPrivate(broker))
    throw new UsageError(
      `the connection to ${broker} has no TLS: set --broker-key, or --insecure to trust the network`,
    );
  return (await askForKeys(broker)).key;
}
