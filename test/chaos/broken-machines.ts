import { setTimeout as sleep } from 'node:timers/promises';
import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { JobStory } from './customers.js';

/** What keeps the pods of jobs off a machine whose own checks found it broken, as node-problem-detector and others do it. */
const brokenTaint = { key: 'example.com/broken', value: 'true', effect: 'NoSchedule' };
/** So long a machine is broken before somebody mends it. */
const brokenForMs = 20_000;
/** So long it may take from then until it serves somebody: its time out of placement may have been doubled. */
const backWithinMs = 180_000;

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
 * Mends a machine after a while, and waits until somebody's job that was ordered afterwards runs on it.
 *
 * @returns what is wrong where none does.
 */
export async function mendAndAwaitUse(
  breaker: Breaker,
  machine: { providerId: string; nodeName: string },
  stories: readonly JobStory[],
  log: (line: string) => void,
): Promise<string[]> {
  await sleep(brokenForMs);
  await breaker.setBroken(machine.nodeName, false);
  const mendedMs = Date.now();
  log(`${machine.providerId} is mended`);
  const serves = ({ ran, orderedMs, providerId }: JobStory) =>
    ran && orderedMs > mendedMs && providerId === machine.providerId;
  for (const deadline = mendedMs + backWithinMs; Date.now() < deadline; await sleep(200)) {
    if (!stories.some(serves)) continue;
    log(`${machine.providerId} serves again after ${Math.round((Date.now() - mendedMs) / 1_000)} s`);
    return [];
  }
  return [`${machine.providerId} was mended ${backWithinMs / 1_000} s ago, and no job came`];
}
