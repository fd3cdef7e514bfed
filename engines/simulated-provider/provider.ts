import { setTimeout as sleep } from 'node:timers/promises';
import { providerSigner } from '../../src/provider-agent/signer.js';
import { parseJoinCommand } from '../../src/provider-agent/join-command.js';
import { newSealingKey, openReply } from '../../src/wire/sealed-answer.js';
import { seconds, silent, type Log } from '../log.js';
import { connectAsAgent } from './agent-redis.js';
import { answerJobs, loopbackAddress } from './answering.js';
import { obtainNodeCertificate } from './certificate.js';
import { discoverCluster } from './discovery.js';
import { newKeys, type ProviderKeys } from './keys.js';
import { keptConnections, type Access } from './kubernetes-request.js';
import { simulatedMachine, type Machine } from './machine.js';
import { bareEntry, capacityMessage, heartbeatMessage, registrationMessage, type SealEntry } from './messages.js';
import { putNode, setNodeAlive, setNodeGpus } from './node.js';
import type { RegistrationReply } from '../../src/wire/join-answer.js';

/** The public agents wait this long for an answer, in two reads of half that time. */
const replyTimeoutMs = 60_000;
const replyReadMs = 30_000;
/** The consumer group that the public agent creates for its answers. */
const replyGroup = 'agent-group';

export interface SimulatedProviderOptions extends Partial<Omit<Machine, 'providerId'>> {
  redisUrl: string;
  providerId: string;
  /** 30 s like the public agents; 0 sends none. */
  heartbeatIntervalMs?: number;
  /** Builds its entries; unsigned unless this or `signAs` is given. */
  sign?: SealEntry;
  /** Signs for a broker, with the wallet in this process, and has its answers sealed. */
  signAs?: SigningIdentity;
  /** If false, it takes the join command but does not use it. */
  join?: boolean;
  /**
   * Stands at a loopback address of its own and answers SSH there, at the NodePorts of its jobs. For brokers that take
   * such addresses; otherwise nothing answers.
   */
  answers?: boolean;
  /** How long its certificate request may wait for approval. */
  approvalTimeoutMs?: number;
  log?: Log;
}

export interface SigningIdentity {
  /** The broker's public origin, as its AUTH_AUDIENCE. */
  audience: string;
  /** One of its AUTH_CHAIN_IDS; 1 by default. */
  chainId?: number;
  /** New ones by default; then its id is its own only while this process has them. */
  keys?: ProviderKeys;
}

export interface JoinedProvider {
  providerId: string;
  nodeName: string;
  nodeUid: string;
  /** The join command it received. */
  joinCommand: string;
  /** Time from the registration to the join command, and from there to the Ready node. */
  repliedAfterMs: number;
  joinedAfterMs: number;
}

export interface SimulatedProvider {
  readonly providerId: string;
  /** Resolves when its node is Ready; rejects when the broker rejects it or does not answer. */
  readonly joined: Promise<JoinedProvider>;
  stopHeartbeats(): void;
  startHeartbeats(): void;
  /** Sends one heartbeat now. */
  beat(): Promise<void>;
  /** Silences the machine for Kubernetes; its heartbeats go on. */
  stopNode(): Promise<void>;
  startNode(): Promise<void>;
  /** Changes the number of GPUs that the device plugin counts. */
  setGpus(count: number): Promise<void>;
  /** Publishes a capacity update with another number of GPUs. */
  reportCapacity(gpuCount: number): Promise<void>;
  /** Publishes another price, in tokens per GPU and hour, which later updates keep. */
  reportPrice(gpuPricePerHour: number): Promise<void>;
  /** Ends the program on the machine: no more heartbeats. The node stays, as a real one would. */
  stop(): Promise<void>;
}

/**
 * A provider's machine that joins the way a real one does: it registers on the stream, waits for the answer in a group
 * created only then, discovers the cluster with the token, requests its certificate, creates its node and sends
 * heartbeats. Only the containers are not real: kwok plays the kubelet. If it answers SSH at all, then with a greeting
 * that says what it is.
 */
export function startSimulatedProvider(options: SimulatedProviderOptions): SimulatedProvider {
  const {
    redisUrl,
    providerId,
    signAs,
    log = silent,
    join: joins = true,
    answers = false,
    heartbeatIntervalMs = 30_000,
    approvalTimeoutMs = 120_000,
    sign: givenSeal,
    ...described
  } = options;
  const keys = signAs?.keys ?? newKeys();
  const sign = givenSeal ?? (signAs === undefined ? bareEntry : providerSigner({ chainId: 1, ...signAs, ...keys }));
  // With it, nobody who reads the streams sees the machine's join command.
  const sealing = signAs === undefined ? undefined : newSealingKey();
  const machine = simulatedMachine({
    providerId,
    wallet: keys.wallet.address,
    ...(sealing === undefined ? {} : { encKey: sealing.encKey }),
    ...(answers ? { address: loopbackAddress(providerId, redisUrl) } : {}),
    ...described,
  });
  const redis = connectAsAgent(redisUrl, (error) => log(`${providerId}: Redis: ${error.message}`));
  let nodeName = providerId;
  let node: (Access & { nodeName: string }) | undefined;
  let beating: NodeJS.Timeout | undefined;
  let answering: { stop(): void } | undefined;
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
    const register = async () => {
      await publish('provider:registration', registrationMessage(machine));
      return await awaitReply(redisUrl, providerId);
    };
    // As the agent does: a broker whose workers are killed again and again may need longer than one answer is awaited.
    const answer = await register().catch(register);
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
    if (answers && !stopped) answering = answerJobs(node, machine.address, log);
    const joinedAfterMs = Date.now() - began - repliedAfterMs;
    log(`${providerId}: node ${nodeName} is Ready after ${seconds(joinedAfterMs)} more`);
    return { ...answered, nodeUid: uid, joinedAfterMs };
  }

  const joined = join();
  // The caller may await `joined` later; until then a rejection must not end the process.
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
    reportPrice(gpuPricePerHour) {
      machine.gpuPricePerHour = gpuPricePerHour;
      return publish('provider:capacity', capacityMessage(machine, nodeName, machine.gpus.count));
    },
    async stop() {
      stopped = true;
      stopHeartbeats();
      answering?.stop();
      node?.agent?.destroy();
      redis.disconnect();
      await sleep(0);
    },
  };
}

/**
 * Reads the answer as the public agents do: the group is created after the registration and begins at that moment, so
 * it misses a faster answer unless the broker publishes it again.
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
