import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../backoff.js';
import type { RegistrationReply } from '../redis/join-answers/join-answers.js';
import { MessageRefused, type BrokerLink } from './broker-link.js';
import type { Delegation } from './delegation.js';
import { startHeartbeats, type Heartbeats } from './heartbeats.js';
import { joinCluster } from './join.js';
import { capacityByType, registrationMessage, type Machine } from './messages.js';
import type { Options } from './options.js';
import { missingPrerequisites } from './prerequisites.js';
import { createRegistration, Rejected } from './registration.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { offerOf, scanMachine } from './scan.js';
import { readStanding } from './standing.js';
import type { State } from './state.js';

/** Public agents are at 1.x. */
export const agentVersion = '2.0.0';

export interface Service {
  options: Options;
  state: State;
  link: BrokerLink;
  delegation: Delegation;
  miningConfig?: object;
  /** The host of the broker, or of its Redis. */
  towards: string;
  /** The owner has signed another delegation. */
  isRenewed(): boolean;
  signal: AbortSignal;
  say: Say;
}

/** How often it is looked whether anything is to be done; seldom where the broker is asked. */
const [lookMs, answerLookMs] = [2_000, 10_000] as const;
/** A join command is good for 15 minutes, and the broker sends others by itself. */
const joinPatienceMs = 20 * 60_000;
const joinRetryMs = 60_000;
/** Of heartbeats: between two looks at what the broker says of the provider, and between two registrations. */
const [beatsPerStanding, beatsPerRegistration] = [20, 2] as const;
const warnBeforeExpiryMs = 7 * 86_400_000;

/**
 * Has a machine in service with one delegation, from the first message it signs to the last.
 *
 * @returns `delegation` when the owner has signed another one, `left` when the provider is no part of the fleet any more.
 */
export async function serve(service: Service): Promise<'delegation' | 'left'> {
  const { options, state, link, delegation, signal, say } = service;
  const { providerId, wallet } = delegation.message;
  const scanned = await scanMachine({
    towards: service.towards.replace(/^\[|\]$/g, ''),
    ...(options.publicIp === undefined ? {} : { publicIp: options.publicIp }),
  });
  let machine: Machine = scanned.machine;
  /** Before the broker has said one, what it was called in older versions. */
  let nodeName = providerId;
  const offer = offerOf(machine, options);
  const registration = createRegistration(link, providerId, say);
  const beatMs = options.heartbeatS * 1_000;
  const hasJoined = () => existsSync(options.kubeletConf);
  const advice = createOnce(say);
  let beats: Heartbeats | undefined;

  say(
    `${providerId}: ${machine.gpus.length} GPUs; offers ${offer.cpuCores} processors, ${offer.memoryMb} MB of memory and ` +
      `${offer.diskGb} GB of disk; ${wallet} is paid`,
  );
  if (!scanned.reading.hasDriver) say('nvidia-smi is not in PATH: this machine is registered without GPUs');
  advise();
  try {
    // A machine that runs jobs is alive whatever becomes of its registration.
    if (hasJoined()) beat();
    for (;;) {
      const standing = await standingNow();
      if (standing === 'retired' && hasJoined()) return 'left';
      // Who is on the way out is not let in by a registration, and is only to be alive until then.
      const answer = standing === 'retiring' && hasJoined() ? undefined : await untilApproved();
      if (answer === 'delegation') return answer;
      beat().forgetRefusal();
      const turn = await untilTurn(answer);
      if (turn !== 'register') return turn;
    }
  } finally {
    await beats?.stop();
  }

  function beat(): Heartbeats {
    return (beats ??= startHeartbeats({
      ...{ link, providerId, nodeName: () => nodeName, intervalMs: beatMs, offer, signal, say },
      gpus: machine.gpus,
      gpusChanged: (gpus) => (machine = { ...machine, gpus }),
    }));
  }

  /** Registers as often as it takes. */
  async function untilApproved(): Promise<RegistrationReply | 'delegation'> {
    const afterOutage = new Backoff({ firstMs: 2_000, maxMs: 60_000 });
    const afterRefusal = new Backoff({ firstMs: 10_000, maxMs: 10 * 60_000 });
    const trouble = createOnce(say);
    for (;;) {
      let waitMs: number;
      try {
        const reply = await registration.submit((encKey) =>
          registrationMessage({
            ...{ providerId, wallet, machine, encKey, agentVersion, capacity: capacityByType(offer, machine.gpus) },
            ...(service.miningConfig === undefined ? {} : { miningConfig: service.miningConfig }),
          }),
        );
        nodeName = reply.node_name ?? nodeName;
        say('the broker has accepted the registration');
        return reply;
      } catch (error) {
        signal.throwIfAborted();
        const isRefused = error instanceof Rejected || error instanceof MessageRefused;
        waitMs = (isRefused ? afterRefusal : afterOutage).next();
        trouble.once(
          `${isRefused ? 'the broker does not accept the registration' : 'not registered yet'}: ${reasonOf(error)}`,
        );
      }
      for (const until = performance.now() + waitMs; performance.now() < until; await pause(Math.min(lookMs, waitMs)))
        if (service.isRenewed()) return 'delegation';
    }
  }

  /** Joins, if that is still to be done, and looks after what may come between this machine and its service. */
  async function untilTurn(answer: RegistrationReply | undefined): Promise<'register' | 'delegation' | 'left'> {
    const registeredAt = performance.now();
    let standingDue = registeredAt + beatsPerStanding * beatMs;
    let joined = hasJoined() || (await joinWith(answer));
    if (joined === true) settle();
    while (joined !== 'failed') {
      if (joined) await pause(lookMs);
      else {
        const newer = await registration.newer(answerLookMs).catch(() => pause(lookMs));
        joined = hasJoined() || (await joinWith(newer));
        if (joined === true) settle();
        else if (performance.now() > registeredAt + joinPatienceMs) return 'register';
      }
      if (service.isRenewed()) return 'delegation';
      if (beats?.isRefused() === true && performance.now() > registeredAt + beatsPerRegistration * beatMs) {
        say('the broker does not know this machine any more: registering again');
        return 'register';
      }
      if (performance.now() < standingDue) continue;
      standingDue = performance.now() + beatsPerStanding * beatMs;
      advise();
      const standing = await standingNow();
      if (standing === 'retired') return 'left';
      if (standing === 'unknown') return 'register';
    }
    return 'register';
  }

  /** What failed needs another command, after a while. */
  async function joinWith(answer: RegistrationReply | undefined): Promise<boolean | 'failed'> {
    if (answer?.join_command === undefined) return false;
    try {
      return await joinCluster(answer.join_command, { options, state, signal, say });
    } catch (error) {
      signal.throwIfAborted();
      say(reasonOf(error));
      await pause(joinRetryMs);
      return 'failed';
    }
  }

  function settle(): void {
    link.stopListening();
    state.dropJoinCommand();
    say(`in service: a heartbeat every ${options.heartbeatS} s`);
  }

  /** Undefined where it cannot be known now. */
  async function standingNow(): Promise<'unknown' | 'retiring' | 'retired' | 'member' | undefined> {
    if (options.broker === undefined) return undefined;
    try {
      const standing = await readStanding(options.broker, providerId, signal);
      if (standing === undefined) return 'unknown';
      if (standing.status === 'retired') return 'retired';
      return standing.retiring ? 'retiring' : 'member';
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /** Says what somebody should see to, when it is something else than the last time. */
  function advise(): void {
    const leftMs = delegation.message.expiresAt * 1_000 - Date.now();
    const days = Math.max(0, Math.floor(leftMs / 86_400_000));
    const hasNoPrice = machine.gpus.some(({ name }) => (offer.gpuPricesPerHour[name] ?? offer.gpuPricePerHour) === 0);
    const sentences = [
      ...(hasNoPrice
        ? ["GPUs have no price: --gpu-price sets one. Without, they get the operator's, or are not offered"]
        : []),
      ...missingPrerequisites({ hasGpus: machine.gpus.length > 0, hasJoined: hasJoined() }),
      ...(leftMs < warnBeforeExpiryMs
        ? [`the owner's signature ends in ${days} days: \`authorize\` makes a new one`]
        : []),
    ];
    if (sentences.length > 0) advice.once(sentences.map((sentence) => `warning: ${sentence}`).join('\n'));
  }

  async function pause(ms: number): Promise<undefined> {
    await sleep(ms, undefined, { signal });
  }
}
