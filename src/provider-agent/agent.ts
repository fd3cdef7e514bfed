import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SigningClock } from './signing-clock.js';
import { miningConfigSchema } from '../domain/registration.js';
import type { BrokerLink } from './broker-link.js';
import { readDelegationFile, type Delegation } from './delegation.js';
import { sayFailures } from './first-look.js';
import { openHttpsLink } from './https-link.js';
import { UsageError, type Options } from './options.js';
import { openRedisLink } from './redis-link.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { serve } from './service.js';
import { openState } from './state.js';
import { askForKeys, createTrust, isPrivate } from './trust.js';

const delegationPollMs = 2_000;

/**
 * The program on a provider's machine: waits for the owner's signature, registers the machine, joins it to the cluster
 * and sends heartbeats until `signal`. It rides out every kind of outage; the broker notices one by the missing
 * heartbeats.
 *
 * @throws UsageError when the options do not allow it to start.
 */
export async function runAgent(options: Options, { signal, say }: { signal: AbortSignal; say: Say }): Promise<void> {
  const way = requireWay(options);
  const state = openState(options.state);
  const nodeKey = state.nodeKey();
  const left = state.leftAt();
  if (left !== undefined && !options.rejoin)
    return say(`the provider left the fleet on ${left.toISOString().slice(0, 10)}: --rejoin brings it back`);
  state.dropLeft();
  const miningConfig = options.miningConfig === undefined ? undefined : readMiningConfig(options.miningConfig);

  const file = options.delegation ?? state.delegationFile;
  const expected = { nodeKey: nodeKey.address, ...(options.id === undefined ? {} : { providerId: options.id }) };
  const clock = new SigningClock();
  const read = () => readDelegationFile(file, { ...expected, nowMs: clock.now() });
  try {
    // A machine that serves customers must not wait for a driver that hangs before its first heartbeat.
    if (!existsSync(options.kubeletConf))
      await sayFailures(options, say).catch((error: unknown) => say(reasonOf(error)));
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
    // Other clients of Redis can write answers too, with or without TLS. So the broker itself is asked for its key.
    const asked = broker !== undefined && (insecure || isPrivate(broker)) ? broker : undefined;
    const trust = createTrust({
      ...{ providerId, audience, file: state.brokerKeysFile, fromOwner: delegation.brokerKey, say },
      ask: asked === undefined ? undefined : () => askForKeys(asked, signal),
    });
    const common = { nodeKey, delegation, clock, trust, signal, say };
    return redis === undefined ? openHttpsLink({ ...common, api: way }) : openRedisLink({ ...common, url: redis });
  }

  /** Waits for the owner to authorize this machine's key, and prints how to do that. */
  async function awaitDelegation(): Promise<Delegation> {
    const waiting = createOnce(say);
    for (;;) {
      const found = read();
      if (typeof found !== 'string') return found;
      waiting.once(
        `${found}. The owner creates the delegation on whichever machine has the wallet:\n` +
          `  WALLET_PRIVATE_KEY_FILE=… provider-agent authorize --id ${options.id ?? 'ID'} --node-key ${nodeKey.address}` +
          ` --broker ${options.broker ?? 'URL'} --out delegation.json\n` +
          `and copies it to ${file} within ten minutes. This program waits for it`,
      );
      await sleep(delegationPollMs, undefined, { signal });
    }
  }
}

function isAnother(found: Delegation | string, known: Delegation): boolean {
  return typeof found !== 'string' && found.authorization.regsig !== known.authorization.regsig;
}

/**
 * The URL that messages are sent to. A man in the middle could make this machine join a cluster of his own, as root.
 * TLS keeps him out; pinning the right cluster's CA makes his join commands worthless.
 */
export function requireWay({ broker, redis, caHash, insecure }: Options): string {
  const way = redis ?? broker;
  if (way === undefined) throw new UsageError('no broker to connect to: set --broker or --redis');
  if (isPrivate(way) || insecure || caHash !== undefined) return way;
  const { protocol, hostname } = new URL(way);
  throw new UsageError(
    `the connection to ${protocol}//${hostname} has no TLS: set --ca-hash, or --insecure to trust the network`,
  );
}

/** Reads and checks a `mining_config`, in the form the wire uses. */
export function readMiningConfig(file: string): object {
  try {
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    miningConfigSchema.parse(config);
    return config;
  } catch (error) {
    throw new UsageError(`${file} is not a valid mining_config: ${reasonOf(error)}`);
  }
}
