import { setTimeout as sleep } from 'node:timers/promises';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { parseJoinCommand } from '../../src/provider-agent/join-command.js';
import { newSealingKey, openReply } from '../../src/wire/sealed-answer.js';
import type { RegistrationReply } from '../../src/redis/join-answers/join-answers.js';
import { seconds, silent, type Log } from '../log.js';
import { connectAsAgent } from './agent-redis.js';
import { obtainNodeCertificate } from './certificate.js';
import { discoverCluster } from './discovery.js';
import { newKeys, type ProviderKeys } from './keys.js';
import { keptConnections, type Access } from './kubernetes-request.js';
import { simulatedMachine, type Machine } from './machine.js';
import { bareEntry, capacityMessage, heartbeatMessage, registrationMessage, type SealEntry } from './messages.js';
import { putNode, setNodeAlive, setNodeGpus } from './node.js';

/** The public agents wait this long for an answer, in reads of half of it. */
const replyTimeoutMs = 60_000;
const replyReadMs = 30_000;
/** The group the public agent makes for its answers. */
const replyGroup = 'agent-group';

export interface SimulatedProviderOptions extends Partial<Omit<Machine, 'providerId'>> {
  redisUrl: string;
  providerId: string;
  /** 30 s, as the public agents have it. 0: none. */
  heartbeatIntervalMs?: number;
  /** How the entries of its messages are made; unsigned unless this or `signAs` is given. */
  sign?: SealEntry;
  /** Signs for a broker, with the wallet at hand, and has its answers sealed. */
  signAs?: SigningIdentity;
  /** False: it takes the join command and does nothing with it. */
  join?: boolean;
  /** How long its certificate request may wait for approval. */
  approvalTimeoutMs?: number;
  log?: Log;
}

export interface SigningIdentity {
  /** The broker's public origin, as its AUTH_AUDIENCE. */
  audience: string;
  /** One of its AUTH_CHAIN_IDS. Default: 1, as there. */
  chainId?: number;
  /** Default: new ones, with which its id is its own for as long as this process has them. */
  keys?: ProviderKeys;
}

export interface JoinedProvider {
  providerId: string;
  nodeName: string;
  nodeUid: string;
  /** What it was told to run. */
  joinCommand: string;
  /** From the registration to the join command, and from there to the Ready node. */
  repliedAfterMs: number;
  joinedAfterMs: number;
}

export interface SimulatedProvider {
  readonly providerId: string;
  /** Resolves when its node is Ready; rejects when the broker refuses it or does not answer. */
  readonly joined: Promise<JoinedProvider>;
  stopHeartbeats(): void;
  startHeartbeats(): void;
  /** Sends one heartbeat now. */
  beat(): Promise<void>;
  /** The machine falls silent for Kubernetes; its heartbeats go on. */
  stopNode(): Promise<void>;
  startNode(): Promise<void>;
  /** The device plugin counts another number of GPUs. */
  setGpus(count: number): Promise<void>;
  /** Publishes a capacity update with another number of GPUs. */
  reportCapacity(gpuCount: number): Promise<void>;
  /** Ends the program on the machine: no more heartbeats. The node stays, as a real one would. */
  stop(): Promise<void>;
}

/**
 * A provider's machine that takes the same road as a real one: it registers on the stream, waits for the answer in a
 * group it makes only then, discovers the cluster with the token, gets its certificate by a signing request, creates
 * its node and sends heartbeats. Only the containers are not real: kwok plays the kubelet, so nothing listens behind a
 * NodePort of this machine and SSH to it does not answer.
 */
export function startSimulatedProvider(options: SimulatedProviderOptions): SimulatedProvider {
  const {
    redisUrl,
    providerId,
    signAs,
    log = silent,
    join: joins = true,
    heartbeatIntervalMs = 30_000,
    approvalTimeoutMs = 120_000,
    sign: givenSeal,
    ...described
  } = options;
  const keys = signAs?.keys ?? newKeys();
  const sign = givenSeal ?? (signAs === undefined ? bareEntry : providerSigner({ chainId: 1, ...signAs, ...keys }));
  // Nobody who reads the streams gets to see the join command of a machine that asks for this.
  const sealing = signAs === undefined ? undefined : newSealingKey();
  const machine = simulatedMachine({
    providerId,
    wallet: keys.wallet.address,
    ...(sealing === undefined ? {} : { encKey: sealing.encKey }),
    ...described,
  });
  const redis = connectAsAgent(redisUrl, (error) => log(`${providerId}: Redis: ${error.message}`));
  let nodeName = providerId;
  let node: (Access & { nodeName: string }) | undefined;
  let beating: NodeJS.Timeout | undefined;
  let stopped = false;

  const publish = async (stream: string, message: object) => {
    const fields = await sign(stream, JSON.stringify(message));
    await redis.xadd(stream, '*', ...Object.entries(fields).flat());
  };
  const beat = () => publish('provider:heartbeat', heartbeatMessage(machine, nodeName));
  const stopHeartbeats = () => clearInterval(beating);
  const startHeartbeats = () => {
    stopHeartbeats();
    if (heartbeatIntervalMs > 0 && !stopped)
      beating = setInterval(() => void beat().catch(() => undefined), heartbeatIntervalMs);
  };
  const theNode = () => {
    if (node === undefined) throw new Error(`${providerId} has not joined`);
    return node;
  };

  async function join(): Promise<JoinedProvider> {
    const began = Date.now();
    await publish('provider:registration', registrationMessage(machine));
    const answer = await awaitReply(redisUrl, providerId);
    const reply = sealing === undefined ? answer : openReply(answer, providerId, sealing.privateKey);
    const repliedAfterMs = Date.now() - began;
    if (!reply.success || reply.join_command === undefined)
      throw new Error(`the broker says ${reply.status}: ${reply.message ?? ''}`);
    const command = parseJoinCommand(reply.join_command);
    nodeName = command.nodeName ?? reply.node_name ?? providerId;
    log(`${providerId}: join command after ${seconds(repliedAfterMs)}`);
    const answered = { providerId, nodeName, joinCommand: reply.join_command, repliedAfterMs };
    if (!joins) return { ...answered, nodeUid: '', joinedAfterMs: 0 };
    startHeartbeats();

    const cluster = await discoverCluster(command);
    const agent = keptConnections();
    const bootstrap = { ...cluster, token: `${command.tokenId}.${command.tokenSecret}`, agent };
    node = { ...cluster, ...(await obtainNodeCertificate(bootstrap, nodeName, approvalTimeoutMs)), nodeName, agent };
    const { uid } = await putNode(node, nodeName, machine);
    const joinedAfterMs = Date.now() - began - repliedAfterMs;
    log(`${providerId}: node ${nodeName} is Ready after ${seconds(joinedAfterMs)} more`);
    return { ...answered, nodeUid: uid, joinedAfterMs };
  }

  const joined = join();
  // Whoever started it may look at `joined` later; a rejection that nobody waits for yet is no reason to end the process.
  joined.catch(() => undefined);
  return {
    providerId,
    joined,
    stopHeartbeats,
    startHeartbeats,
    beat,
    stopNode: () => setNodeAlive(theNode(), theNode().nodeName, false),
    startNode: () => setNodeAlive(theNode(), theNode().nodeName, true),
    setGpus: (count) => setNodeGpus(theNode(), theNode().nodeName, count),
    reportCapacity: (gpuCount) => publish('provider:capacity', capacityMessage(machine, nodeName, gpuCount)),
    async stop() {
      stopped = true;
      stopHeartbeats();
      node?.agent?.destroy();
      redis.disconnect();
      await sleep(0);
    },
  };
}

/**
 * Reads the answer as the public agents do: the group is made after the registration was published and begins at its
 * own moment, so an answer that was faster is never seen unless the broker gives it again.
 */
async function awaitReply(redisUrl: string, providerId: string): Promise<RegistrationReply> {
  const redis = connectAsAgent(redisUrl);
  const stream = `provider:response:${providerId}`;
  try {
    await redis.xgroup('CREATE', stream, replyGroup, '$', 'MKSTREAM').catch((error: Error) => {
      if (!error.message.startsWith('BUSYGROUP')) throw error;
    });
    for (const deadline = Date.now() + replyTimeoutMs; Date.now() < deadline;) {
      const block = Math.min(replyReadMs, Math.max(1, deadline - Date.now()));
      const read = (await redis.xreadgroup(
        'GROUP',
        replyGroup,
        'agent-1',
        'COUNT',
        1,
        'BLOCK',
        block,
        'STREAMS',
        stream,
        '>',
      )) as [string, [string, string[]][]][] | null;
      const entry = read?.[0]?.[1][0];
      if (entry === undefined) continue;
      const [id, fields] = entry;
      await redis.xack(stream, replyGroup, id);
      return JSON.parse(fields[fields.indexOf('data') + 1] ?? '{}') as RegistrationReply;
    }
    throw new Error('the broker did not answer in time');
  } finally {
    redis.disconnect();
  }
}
