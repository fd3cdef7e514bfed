import { UsageError, type Options } from './options.js';
import type { Say } from './say.js';
import { openState } from './state.js';
import { askForKeys, isPrivate, keepTrusted, readTrusted } from './trust.js';

/**
 * Believes answers that a key of the broker signs, and those of no key before it any more. For a broker that has lost its
 * key, so that none could introduce the next one.
 *
 * @throws UsageError; Error when the broker cannot be asked.
 */
export async function trust(options: Options, { say }: { say: Say }): Promise<void> {
  const { broker, audience, brokerKey, insecure } = options;
  const origin = audience ?? broker;
  if (origin === undefined) throw new UsageError('--broker: whose key is it?');
  const key = brokerKey ?? (await askedKey(broker, insecure));
  const file = openState(options.state).brokerKeysFile;
  const before = readTrusted(file, new URL(origin).origin);
  keepTrusted(file, new URL(origin).origin, key);
  if (before?.key === key) return say(`${key} is trusted already`);
  say(`${key} is trusted from here on${before === undefined ? '' : `, and ${before.key} is not`}`);
}

async function askedKey(broker: string | undefined, insecure: boolean) {
  if (broker === undefined) throw new UsageError('--broker or --broker-key: which one?');
  if (!insecure && !isPrivate(broker))
    throw new UsageError(`${broker} is reached without TLS: give --broker-key, or --insecure to trust the network`);
  return (await askForKeys(broker)).key;
}
