import { setTimeout as sleep } from 'node:timers/promises';
import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { JobStory } from './customers.js';

/** Keeps the pods of jobs off a machine whose own checks found it broken, as node-problem-detector and others do. */
const brokenTaint = { key: 'example.com/broken', value: 'true', effect: 'NoSchedule' };
/** How long a machine is broken before it is repaired. */
const brokenForMs = 20_000;
/** How long after that it may take to serve a job: its time out of placement may have been doubled. */
const backWithinMs = 300_000;
/** How often a new customer comes. */
const newcomerEveryMs = 10_000;

/** Breaks and repairs machines without the broker's knowledge: a broken one starts no job, but otherwise seems healthy. */
interface Breaker {
  setBroken(nodeName: string, broken: boolean): Promise<void>;
}

export function createBreaker(kubeConfigPath: string): Breaker {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeConfigPath);
  const core = kubeConfig.makeApiClient(CoreV1Api);
  return {
    async setBroken(nodeName, broken) {
      for (;;) {
        try {
          const node = await core.readNode({ name: nodeName });
          const others = (node.spec?.taints ?? []).filter(({ key }) => key !== brokenTaint.key);
          node.spec = { ...node.spec, taints: broken ? [...others, brokenTaint] : others };
          await core.replaceNode({ name: nodeName, body: node });
          return;
        } catch (error) {
          // The broker writes there as well, and the API server may be killed.
          if (error instanceof ApiException && error.code < 500 && error.code !== 409) throw error;
          await sleep(200);
        }
      }
    },
  };
}

/**
 * Repairs a machine after a while, and waits until a job that was ordered afterwards runs on it. Customers that saw it
 * fail avoid it first, for longer than this lasts: so new customers come.
 *
 * @param rentAsNewcomer rents one job with a new wallet.
 * @returns the violation if no job runs there.
 */
export async function mendAndAwaitUse(
  breaker: Breaker,
  machine: { providerId: string; nodeName: string },
  stories: readonly JobStory[],
  rentAsNewcomer: () => Promise<void>,
  ended: AbortSignal,
  log: (line: string) => void,
): Promise<string[]> {
  await sleep(brokenForMs, undefined, { signal: ended }).catch(() => undefined);
  await breaker.setBroken(machine.nodeName, false);
  const mendedMs = Date.now();
  log(`${machine.providerId} is mended`);
  const serves = ({ ran, orderedMs, told }: JobStory) =>
    ran && orderedMs > mendedMs && told.providerId === machine.providerId;
  const newcomers: Promise<void>[] = [];
  let serving = false;
  while (!serving && !ended.aborted && Date.now() < mendedMs + backWithinMs) {
    if (Date.now() >= mendedMs + newcomers.length * newcomerEveryMs) newcomers.push(rentAsNewcomer());
    await sleep(200);
    serving = stories.some(serves);
  }
  if (serving) log(`${machine.providerId} serves again after ${Math.round((Date.now() - mendedMs) / 1_000)} s`);
  await Promise.all(newcomers);
  return serving || ended.aborted
    ? []
    : [`${machine.providerId} was mended ${backWithinMs / 1_000} s ago, and no job came`];
}
