import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { streams } from '../../src/wire/streams.js';
import type { Random } from '../support/random.js';
import { heartbeatData, newProviderId, registrationData } from '../support/relay.js';
import type { Mutations } from './mutations.js';

/** An entry of a stream: the key, and alternating names and values. */
interface RawEntry {
  stream: string;
  id: string;
  fields: string[];
}

/** Almost valid entries, of a few providers that sign and a few that do not. */
export async function createEntries(
  { audience, providers }: { audience: string; providers: number },
  random: Random,
  { chance, text, json }: Mutations,
): Promise<() => RawEntry> {
  const good: { stream: string; fields: Record<string, string> }[] = [];
  for (let at = 0; at < providers; at++) {
    const providerId = newProviderId();
    const [nodeKey, wallet] = [privateKeyToAccount(generatePrivateKey()), privateKeyToAccount(generatePrivateKey())];
    const sign = providerSigner({ nodeKey, wallet, chainId: 1, audience });
    const texts: [string, string][] = [
      [streams.registration, registrationData(providerId)],
      [streams.heartbeat, heartbeatData(providerId)],
      [streams.capacity, registrationData(providerId, { node_name: providerId })],
    ];
    for (const [stream, data] of texts) {
      const fields = at % 2 === 0 ? await sign(stream, data) : { data, timestamp: new Date().toISOString() };
      good.push({ stream, fields });
    }
  }

  return () => {
    const { stream, fields } = random.pick(good);
    const made = { ...fields };
    if (chance(0.6)) made['data'] = json(JSON.parse(fields['data']!));
    for (const name of Object.keys(made)) if (chance(0.05)) made[name] = text(made[name]!);
    if (made['reg'] !== undefined && chance(0.2)) made['reg'] = json(JSON.parse(fields['reg']!));
    if (chance(0.05)) delete made[random.pick(Object.keys(made))];
    if (chance(0.05)) made[text(random.pick(Object.keys(fields)))] = text('x');
    const flat = Object.entries(made).flat();
    if (chance(0.02)) flat.push('data', text('{}'));
    return { stream, id: '*', fields: flat.length === 0 ? ['x', ''] : flat };
  };
}
