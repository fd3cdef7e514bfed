import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../backoff.js';
import { RejectedByBroker, type BrokerLink } from './broker-link.js';
import type { Delegation } from './delegation.js';
import { startHeartbeats, type Heartbeats } from './heartbeats.js';
import { joinCluster } from './join.js';
import { capacityByType, registrationMessage, type Machine } from './messages.js';
import type { Options } from './options.js';
import { missingPrerequisites } from './prerequisites.js';
import { createRegistration, RegistrationRejected } from './registration.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { offerOf, scanMachine } from './scan.js';
import { readProviderState } from './provider-state.js';
import type { State } from './state.js';
import type { RegistrationReply } from '../wire/join-answer.js';

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
  /** True once the owner has signed another delegation. */
  isRenewed(): boolean;
  signal: AbortSignal;
  say: Say;
}

/** How often to check local state, and how long to wait for the broker's next answer. */
const [checkMs, answerTimeoutMs] = [2_000, 10_000] as const;
/** A join command is valid for 15 minutes, and the broker sends new ones without being asked. */
const joinPatienceMs = 20 * 60_000;
const joinRetryMs = 60_000;
/** Heartbeat intervals between two readings of the provider's status, and at least between two registrations. */
const [beatsPerState, beatsPerRegistration] = [20, 2] as const;
const warnBeforeExpiryMs = 7 * 86_400_000;

/**
 * Keeps a machine in service under one delegation, from the first message it signs to the last.
 *
 * @returns `delegation` when the owner has signed another one, `left` when the provider has left the fleet.
 */
export async function serve(service: Service): Promise<'delegation' | 'left'> {
  const { options, state, link, delegation, signal, say } = service;
  const { providerId, wallet } = delegation.message;
  const scanned = await scanMachine({
    towards: service.towards.replace(/^\[|\]$/g, ''),
    ...(options.publicIp === undefined ? {} : { publicIp: options.publicIp }),
  });
  let machine: Machine = scanned.machine;
  /** Until the broker assigns a name, the one that older versions used. */
  let nodeName = providerId;
  const offer = offerOf(machine, options);
  const registration = createRegistration(link, providerId, say);
  const beatMs = options.heartbeatS * 1_000;
  const hasJoined = () => existsSync(options.kubeletConf);
  const advice = createOnce(say);
  let beats: Heartbeats | undefined;

  say(
    `${providerId}: offers ${machine.gpus.length} GPUs, ${offer.cpuCores} processors, ${offer.memoryMb} MB of memory and ` +
      `${offer.diskGb} GB of disk; ${wallet} is paid`,
  );
  if (!scanned.reading.hasDriver) say('nvidia-smi is not in PATH: this machine registers without GPUs');
  advise();
  try {
    // A machine that runs jobs must send heartbeats whether or not its registration succeeds.
    if (hasJoined()) beat();
    for (;;) {
      const state = await stateNow();
      if (state === 'retired' && hasJoined()) return 'left';
      // A retiring provider is not admitted again; it only has to send heartbeats until it has left.
      const answer = state === 'retiring' && hasJoined() ? undefined : await untilApproved();
      if (answer === 'delegation') return answer;
      beat().forgetRejection();
      const next = await untilNextStep(answer);
      if (next !== 'register') return next;
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

  /** Registers until the broker approves. */
  async function untilApproved(): Promise<RegistrationReply | 'delegation'> {
    const afterOutage = new Backoff({ firstMs: 2_000, maxMs: 60_000 });
    const afterRejection = new Backoff({ firstMs: 10_000, maxMs: 10 * 60_000 });
    const trouble = createOnce(say);
    for (;;) {
      let waitMs: number;
      try {
        const reply = await registration.submit((encKey) =>
          registrationMessage({
            ...{ providerId, wallet, machine, encKey, agentVersion, capacity: capacityByType(offer, machine.gpus) },
            ...(service.miningConfig === undefined ? {} : { miningConfig: service.miningConfig }),
            ...(options.region === undefined ? {} : { region: options.region }),
          }),
        );
        nodeName = reply.node_name ?? nodeName;
        say('the broker has accepted the registration');
        return reply;
      } catch (error) {
        signal.throwIfAborted();
        const isRejected = error instanceof RegistrationRejected || error instanceof RejectedByBroker;
        waitMs = (isRejected ? afterRejection : afterOutage).next();
        trouble.once(
          `${isRejected ? 'the broker rejected the registration' : 'not registered yet'}: ${reasonOf(error)}`,
        );
      }
      for (const until = performance.now() + waitMs; performance.now() < until; await pause(Math.min(checkMs, waitMs)))
        if (service.isRenewed()) return 'delegation';
    }
  }

  /** Joins if necessary, then waits for a reason to register again, to switch delegations or to stop. */
  async function untilNextStep(answer: RegistrationReply | undefined): Promise<'register' | 'delegation' | 'left'> {
    const registeredAt = performance.now();
    let stateDue = registeredAt + beatsPerState * beatMs;
    let joined = hasJoined() || (await joinWith(answer));
    if (joined === true) settle();
    while (joined !== 'failed') {
      if (joined) await pause(checkMs);
      else {
        const newer = await registration.newer(answerTimeoutMs).catch(() => pause(checkMs));
        joined = hasJoined() || (await joinWith(newer));
        if (joined === true) settle();
        else if (performance.now() > registeredAt + joinPatienceMs) return 'register';
      }
      if (service.isRenewed()) return 'delegation';
      if (beats?.isRejected() === true && performance.now() > registeredAt + beatsPerRegistration * beatMs) {
        say('the broker no longer knows this machine: registering again');
        return 'register';
      }
      if (performance.now() < stateDue) continue;
      stateDue = performance.now() + beatsPerState * beatMs;
      advise();
      const state = await stateNow();
      if (state === 'retired') return 'left';
      if (state === 'unknown') return 'register';
    }
    return 'register';
  }

  /** Joins with the answer's command. A failed join needs a new command, after a pause. */
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
    say(`in service: sending a heartbeat every ${options.heartbeatS} s`);
  }

  /** Undefined when the broker cannot be asked now. */
  async function stateNow(): Promise<'unknown' | 'retiring' | 'retired' | 'member' | undefined> {
    if (options.broker === undefined) return undefined;
    try {
      const state = await readProviderState(options.broker, providerId, signal);
      if (state === undefined) return 'unknown';
      if (state.status === 'retired') return 'retired';
      return state.retiring ? 'retiring' : 'member';
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /** Prints warnings for the owner, unless they are the same as last time. */
  function advise(): void {
    const leftMs = delegation.message.expiresAt * 1_000 - Date.now();
    const days = Math.max(0, Math.floor(leftMs / 86_400_000));
    const hasNoPrice = machine.gpus.some(({ name }) => (offer.gpuPricesPerHour[name] ?? offer.gpuPricePerHour) === 0);
    const sentences = [
      ...(hasNoPrice
        ? [
            "some GPUs have no price: --gpu-price sets one. Otherwise the operator's price applies, or they are not offered",
          ]
        : []),
      ...missingPrerequisites({ hasGpus: machine.gpus.length > 0, hasJoined: hasJoined() }),
      ...(leftMs < warnBeforeExpiryMs
        ? [`the owner's signature expires in ${days} days: \`authorize\` creates a new one`]
        : []),
    ];
    if (sentences.length > 0) advice.once(sentences.map((sentence) => `warning: ${sentence}`).join('\n'));
  }

  async function pause(ms: number): Promise<undefined> {
    await sleep(ms, undefined, { signal });
  }
}
