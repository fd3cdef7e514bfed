import { setTimeout as sleep } from 'node:timers/promises';
import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { JobStory } from './customers.js';

/** What keeps the pods of jobs off a machine whose own checks found it broken, as node-problem-detector and others do it. */
const brokenTaint = { key: 'example.com/broken', value: 'true', effect: 'NoSchedule' };
/** So long a machine is broken before somebody mends it. */
const brokenForMs = 20_000;
/** So long it may take from then until it serves somebody: its time out of placement may have been doubled. */
const backWithinMs = 300_000;
/** So often somebody comes who never was there. */
const newcomerEveryMs = 10_000;

/** Breaks and mends machines under the broker's feet: it starts no job that is placed there, and looks well otherwise. */
export interface Breaker {
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
          // The broker writes there as well, and the API server is among those that get killed.
          if (error instanceof ApiException && error.code < 500 && error.code !== 409) throw error;
          await sleep(200);
        }
      }
    },
  };
}

/**
 * Mends a machine after a while, and waits until somebody's job that was ordered afterwards runs on it. Whoever saw it fail
 * goes elsewhere first, for longer than this lasts: so customers come who did not.
 *
 * @param rentAsNewcomer rents one job with a wallet that never rented any.
 * @returns what is wrong where none does.
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
