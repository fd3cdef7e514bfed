import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../backoff.js';
import { MessageRefused, type BrokerLink } from './broker-link.js';
import { createGpuWatch } from './gpu-watch.js';
import { createGpuReader } from './gpus.js';
import {
  capacityByType,
  capacityMessage,
  heartbeatMessage,
  type Gpu,
  type Offer,
  type WireCapacity,
} from './messages.js';
import { createOnce, reasonOf, type Say } from './say.js';
import { countCustomerPods, createUsageMeter } from './usage.js';

export interface Heartbeats {
  /** The broker knows this machine no more, or not by this key: it has to be told again who this is. */
  isRefused(): boolean;
  forgetRefusal(): void;
  /** Ends them after the one that is under way. */
  stop(): Promise<void>;
}

interface HeartbeatOptions {
  link: BrokerLink;
  providerId: string;
  /** Of its node, as the broker said last; a word for people who read along. */
  nodeName: () => string;
  intervalMs: number;
  offer: Offer;
  /** Those that were registered. */
  gpus: readonly Gpu[];
  /** They are others than before, and the broker is told. */
  gpusChanged(gpus: readonly Gpu[]): void;
  signal: AbortSignal;
  say: Say;
}

/** The first try after one that failed; the broker calls a provider offline after three beats. */
const firstRetryMs = 2_000;

/**
 * Says every so often that this machine lives and how busy it is; and what it offers, when GPUs have gone or come. What
 * cannot be sent is not kept: an old heartbeat says nothing, and a capacity is sent until it was taken.
 */
export function startHeartbeats(options: HeartbeatOptions): Heartbeats {
  const { link, providerId, nodeName, intervalMs, offer, say } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const usage = createUsageMeter();
  const readGpus = createGpuReader();
  const cudaVersion = options.gpus[0]?.cudaVersion ?? '';
  const changedGpus = createGpuWatch(options.gpus);
  const outage = createOnce(say);
  const gpuTrouble = createOnce(say);
  const backoff = new Backoff({ firstMs: Math.min(firstRetryMs, intervalMs), maxMs: intervalMs });
  let refused = false;
  let due: WireCapacity | undefined;

  async function beat(): Promise<void> {
    const reading = await readGpus(signal);
    if (reading.problems.length > 0) gpuTrouble.once(`GPU: ${reading.problems.join('; ')}`);
    else gpuTrouble.over('all GPUs answer again');
    const gpus = changedGpus(reading);
    if (gpus !== undefined) {
      say(`this machine has ${gpus.length} usable GPUs now`);
      due = capacityByType(offer, gpus);
      options.gpusChanged(gpus.map((gpu) => ({ ...gpu, cudaVersion })));
    }
    const { cpu, memory } = usage();
    await link.send(
      'heartbeat',
      heartbeatMessage({
        ...{ providerId, nodeName: nodeName(), gpuUsage: reading.usage },
        ...{ cpuUsage: cpu, memoryUsage: memory, activeJobs: countCustomerPods() },
      }),
    );
    if (due !== undefined)
      await link.send('capacity', capacityMessage({ providerId, nodeName: nodeName(), capacity: due }));
    due = undefined;
  }

  async function beatAgainAndAgain(): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      let waitMs: number | undefined;
      try {
        await beat();
        backoff.reset();
        refused = false;
        outage.over('heartbeats arrive again');
      } catch (error) {
        if (signal.aborted) return;
        outage.once(`a heartbeat did not arrive: ${reasonOf(error)}`);
        const refusal = error instanceof MessageRefused ? error.reason : undefined;
        refused ||= refusal !== undefined;
        // A number that is too low is high enough in a moment, at the latest when the clock has come that far.
        if (refusal === undefined || refusal === 'sequence_replayed') waitMs = backoff.next();
      }
      await sleep(waitMs ?? Math.max(0, began + intervalMs - performance.now()), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  const beating = beatAgainAndAgain();
  return {
    isRefused: () => refused,
    forgetRefusal() {
      refused = false;
    },
    async stop() {
      ending.abort();
      await beating;
    },
  };
}
