import { existsSync, readFileSync } from 'node:fs';
import { SigningClock } from './signing-clock.js';
import { miningConfigSchema } from '../domain/registration.js';
import type { BrokerLink } from './broker-link.js';
import { readDelegationFile, type Delegation } from './delegation.js';
import { sayFailures } from './first-look.js';
import { openHttpsLink } from './https-link.js';
import { awaitDelegation, createMailbox, watchForRenewal, type Mailbox } from './left-delegation.js';
import { UsageError, type Options } from './options.js';
import { openRedisLink } from './redis-link.js';
import { reasonOf, type Say } from './say.js';
import { serve } from './service.js';
import { openState } from './state.js';
import { askForKeys, createTrust, isPrivate } from './trust.js';

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
  const expected = { nodeKey: nodeKey.address, providerId: options.id, owner: options.owner };
  const clock = new SigningClock();
  const read = () => readDelegationFile(file, { ...expected, nowMs: clock.now() });
  const mailbox = mailboxAt();
  const keep = ({ authorization }: Delegation) => state.keepDelegation(authorization);
  try {
    // A machine that serves customers must not wait for a driver that hangs before its first heartbeat.
    if (!existsSync(options.kubeletConf))
      await sayFailures(options, say).catch((error: unknown) => say(reasonOf(error)));
    for (let ending = 'delegation'; ending !== 'left';) {
      const delegation = await awaitDelegation({ read, mailbox, expected, keep, request: requestOf, signal, say });
      const link = openLink(delegation);
      const ended = new AbortController();
      const serving = AbortSignal.any([signal, ended.signal]);
      if (mailbox !== undefined)
        void watchForRenewal(mailbox, delegation, { nodeKey: nodeKey.address, keep, signal: serving });
      try {
        ending = await serve({
          ...{ options, state, link, delegation, signal, say, towards: new URL(way).hostname },
          ...(miningConfig === undefined ? {} : { miningConfig }),
          isRenewed: () => isAnother(read(), delegation),
        });
      } finally {
        ended.abort();
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

  /** The broker itself, where no man in the middle can answer in its place. */
  function mailboxAt(): Mailbox | undefined {
    const { broker, insecure, delegation, audience } = options;
    if (broker === undefined || delegation !== undefined || !(insecure || isPrivate(broker))) return undefined;
    const origin = new URL(audience ?? broker).origin;
    return createMailbox({ nodeKey, api: broker, audience: origin, clock, signal, say });
  }

  /** One line for the owner where the broker brings the signature here; otherwise he has to bring it himself. */
  function requestOf(problem: string): string {
    const [id, broker] = [options.id ?? 'ID', options.broker ?? 'URL'];
    if (mailbox !== undefined && options.id !== undefined) {
      const why = existsSync(file) ? `${problem}. ` : '';
      return `${why}The owner signs for this machine, wherever the wallet is: wl provider authorize ${id} --node-key ${nodeKey.address} --api ${broker}`;
    }
    return (
      `${problem}. The owner creates the delegation on whichever machine has the wallet:\n` +
      `  WALLET_PRIVATE_KEY_FILE=… provider-agent authorize --id ${id} --node-key ${nodeKey.address}` +
      ` --broker ${broker} --out delegation.json\n` +
      `and copies it to ${file} within ten minutes. This program waits for it`
    );
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
