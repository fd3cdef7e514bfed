import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../backoff.js';
import { RejectedByBroker, type BrokerLink } from './broker-link.js';
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
  /** True when the broker no longer knows this machine, or not by this key: the machine must register again. */
  isRejected(): boolean;
  forgetRejection(): void;
  /** Stops after the heartbeat in progress. */
  stop(): Promise<void>;
}

interface HeartbeatOptions {
  link: BrokerLink;
  providerId: string;
  /** The node's name as the broker last gave it; only for people who read the messages. */
  nodeName: () => string;
  intervalMs: number;
  offer: Offer;
  /** The registered GPUs. */
  gpus: readonly Gpu[];
  /** Called when the set of GPUs has changed; the broker is told separately. */
  gpusChanged(gpus: readonly Gpu[]): void;
  signal: AbortSignal;
  say: Say;
}

/** Delay before the first retry. The broker marks a provider offline after three missed heartbeats. */
const firstRetryMs = 2_000;

/**
 * Sends heartbeats with this machine's utilization, and a capacity update when GPUs appear or disappear. A heartbeat
 * that cannot be sent is dropped, since an old one says nothing; a capacity update is retried until the broker accepts
 * it.
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
  let rejected = false;
  let due: WireCapacity | undefined;

  async function beat(): Promise<void> {
    const reading = await readGpus(signal);
    if (reading.problems.length > 0) gpuTrouble.once(`GPU: ${reading.problems.join('; ')}`);
    else gpuTrouble.over('all GPUs respond again');
    const gpus = changedGpus(reading);
    if (gpus !== undefined) {
      say(`this machine now has ${gpus.length} usable GPUs`);
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
        rejected = false;
        outage.over('heartbeats reach the broker again');
      } catch (error) {
        if (signal.aborted) return;
        outage.once(`a heartbeat was not delivered: ${reasonOf(error)}`);
        const rejection = error instanceof RejectedByBroker ? error.reason : undefined;
        rejected ||= rejection !== undefined;
        // A number that is too low is worth a retry: numbers follow the clock, which soon passes it.
        if (rejection === undefined || rejection === 'sequence_replayed') waitMs = backoff.next();
      }
      await sleep(waitMs ?? Math.max(0, began + intervalMs - performance.now()), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  const beating = beatAgainAndAgain();
  return {
    isRejected: () => rejected,
    forgetRejection() {
      rejected = false;
    },
    async stop() {
      ending.abort();
      await beating;
    },
  };
}
