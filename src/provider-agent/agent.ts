import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SigningClock } from './signing-clock.js';
import { miningConfigSchema } from '../domain/registration.js';
import type { BrokerLink } from './broker-link.js';
import { readDelegationFile, type Delegation } from './delegation.js';
import { openHttpsLink } from './https-link.js';
import { UsageError, type Options } from './options.js';
import { openRedisLink } from './redis-link.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { serve } from './service.js';
import { openState } from './state.js';
import { askForKeys, createTrust, isPrivate } from './trust.js';

const lookMs = 2_000;

/**
 * What runs on a provider's machine: waits for its owner's signature, registers the machine, lets it join, and says that
 * it lives, until `signal`. Outages of whatever kind are waited out; the broker knows of them by the heartbeats that are
 * missing.
 *
 * @throws UsageError when it cannot begin as it was started.
 */
export async function runAgent(options: Options, { signal, say }: { signal: AbortSignal; say: Say }): Promise<void> {
  const way = requireWay(options);
  const state = openState(options.state);
  const nodeKey = state.nodeKey();
  const left = state.leftAt();
  if (left !== undefined && !options.rejoin)
    return say(`the provider has left the fleet (${left.toISOString().slice(0, 10)}): --rejoin brings it back`);
  state.dropLeft();
  const miningConfig = options.miningConfig === undefined ? undefined : readMiningConfig(options.miningConfig);

  const file = options.delegation ?? state.delegationFile;
  const expected = { nodeKey: nodeKey.address, ...(options.id === undefined ? {} : { providerId: options.id }) };
  const clock = new SigningClock();
  const read = () => readDelegationFile(file, { ...expected, nowMs: clock.now() });
  try {
    for (let ending = 'delegation'; ending !== 'left';) {
      const delegation = await awaitDelegation();
      const link = openLink(delegation);
      try {
        ending = await serve({
          ...{ options, state, link, delegation, signal, say, towards: new URL(way).hostname },
          ...(miningConfig === undefined ? {} : { miningConfig }),
          isRenewed: () => isAnother(read(), delegation),
        });
      } finally {
        link.close();
      }
    }
    state.markLeft();
    say('the provider has left the fleet: `provider-agent leave --reset` undoes the join on this machine');
  } catch (error) {
    if (!signal.aborted) throw error;
  }

  function openLink(delegation: Delegation): BrokerLink {
    const { redis, broker, insecure } = options;
    const { providerId, audience } = delegation.message;
    // Over Redis others answer as well, TLS or not: the broker itself is asked.
    const asked = broker !== undefined && (insecure || isPrivate(broker)) ? broker : undefined;
    const trust = createTrust({
      ...{ providerId, audience, file: state.brokerKeysFile, fromOwner: delegation.brokerKey, say },
      ask: asked === undefined ? undefined : () => askForKeys(asked, signal),
    });
    const common = { nodeKey, delegation, clock, trust, signal, say };
    return redis === undefined ? openHttpsLink({ ...common, api: way }) : openRedisLink({ ...common, url: redis });
  }

  /** Waits for the owner to let this machine's key speak for the provider, and says how. */
  async function awaitDelegation(): Promise<Delegation> {
    const waiting = createOnce(say);
    for (;;) {
      const found = read();
      if (typeof found !== 'string') return found;
      waiting.once(
        `${found}. The owner makes one, wherever the wallet is:\n` +
          `  WALLET_PRIVATE_KEY_FILE=… provider-agent authorize --id ${options.id ?? 'ID'} --node-key ${nodeKey.address}` +
          ` --broker ${options.broker ?? 'URL'} --out delegation.json\n` +
          `and it is put here within ten minutes; this program waits for it`,
      );
      await sleep(lookMs, undefined, { signal });
    }
  }
}

function isAnother(found: Delegation | string, known: Delegation): boolean {
  return typeof found !== 'string' && found.authorization.regsig !== known.authorization.regsig;
}

/**
 * The URL by which messages go. Whoever can put himself between this machine and the broker can have it join a cluster of
 * his own, as root. TLS keeps him out, and the pin of the right cluster makes his commands worthless.
 */
function requireWay({ broker, redis, caHash, insecure }: Options): string {
  const way = redis ?? broker;
  if (way === undefined) throw new UsageError('there is no way to the broker: give --broker or --redis');
  if (isPrivate(way) || insecure || caHash !== undefined) return way;
  const { protocol, hostname } = new URL(way);
  throw new UsageError(
    `${protocol}//${hostname} is reached without TLS: give --ca-hash, or --insecure to trust the network`,
  );
}

/** As the wire has it. */
function readMiningConfig(file: string): object {
  try {
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    miningConfigSchema.parse(config);
    return config;
  } catch (error) {
    throw new UsageError(`${file} holds no mining_config: ${reasonOf(error)}`);
  }
}
