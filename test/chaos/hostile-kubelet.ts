import { setTimeout as sleep } from 'node:timers/promises';
import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { mergePatch } from '../../src/kubernetes/client.js';
import type { Random } from '../support/random.js';
import { hostileStatus, type HostileStatus } from './hostile-statuses.js';
import type { PodFacts, PodLog } from './pod-log.js';

/** A hostile status, and the job whose pod got it. */
export interface Hit extends Omit<HostileStatus, 'status'> {
  jobId: string;
  uid: string;
  /** The earliest time at which it was there. */
  sentMs: number;
  /** Whether the API server confirmed it; if not, it may have stored it all the same. */
  sure: boolean;
}

interface HostileKubelet {
  kubeConfigPath: string;
  pods: PodLog;
  random: Random;
  /** How many pods get a hostile status that the API server confirms. */
  count: number;
  /** Whether a pod's job runs in it. Before that, a hostile status may end the pod and not the job. */
  isServed(podUid: string): boolean;
  /** Pods that are left alone. */
  isSpared(pod: PodFacts): boolean;
  hits: Hit[];
  ended: AbortSignal;
  log: (line: string) => void;
}

/**
 * The longest that one hit may wait for a suitable pod. Customers rent until all hits are made, so this only ends a run
 * in which nothing starts any more; a killed watcher and a start elsewhere may take a minute together.
 */
const waitForPodMs = 240_000;

/** Writes a hostile status on a running pod every now and then, one per pod. */
export async function beHostile({
  kubeConfigPath,
  pods,
  random,
  count,
  isServed,
  isSpared,
  hits,
  ended,
  log,
}: HostileKubelet): Promise<void> {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeConfigPath);
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const isVictim = (pod: PodFacts) =>
    pod.readyAtMs !== undefined &&
    pod.overSeenMs === undefined &&
    pod.leavingSeenMs === undefined &&
    isServed(pod.uid) &&
    !isSpared(pod) &&
    !hits.some(({ uid }) => uid === pod.uid);

  for (
    let done = 0, idleSinceMs = Date.now();
    done < count && !ended.aborted && Date.now() - idleSinceMs < waitForPodMs;
  ) {
    await sleep(random.whole(200, 1_500));
    const victims = pods.all().filter(isVictim);
    if (victims.length === 0) continue;
    idleSinceMs = Date.now();
    const { name, namespace, uid, jobId, readyAtMs } = random.pick(victims);
    const { status, ...said } = hostileStatus(random, Date.now(), readyAtMs!);
    const hit: Hit = { ...said, jobId, uid, sentMs: Date.now(), sure: false };
    hits.push(hit);
    try {
      if (status === undefined) {
        await core.deleteNamespacedPod({ name, namespace, body: { gracePeriodSeconds: 0, preconditions: { uid } } });
      } else {
        await core.patchNamespacedPodStatus({ name, namespace, body: { metadata: { uid }, status } }, mergePatch);
      }
      hit.sure = true;
      done++;
      log(`hostile: ${hit.name} on the pod of ${jobId}`);
    } catch (error) {
      // It may have been stored: the API server was killed, or its own etcd was down for a moment.
      if (!(error instanceof ApiException) || error.code >= 500) continue;
      hits.splice(hits.indexOf(hit), 1);
      // Otherwise the pod has gone or changed meanwhile.
      if (error.code === 422 || error.code === 400) throw new Error(`${hit.name} is not accepted: ${error.message}`);
    }
  }
}
