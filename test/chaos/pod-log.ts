import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, KubeConfig, Watch, type V1Pod } from '@kubernetes/client-node';
import { jobPodSelector, labels } from '../../src/kubernetes/names.js';
import type { Live } from './live.js';

/**
 * The observed facts of one pod of a job. `…SeenMs` is when something was seen, which may be later than it happened.
 */
export interface PodFacts {
  uid: string;
  jobId: string;
  name: string;
  namespace: string;
  nodeName?: string;
  /** When it first became Ready, according to Kubernetes: whole seconds. */
  readyAtMs?: number;
  /** When its phase first showed that it had ended. */
  overSeenMs?: number;
  /** When it was first seen with a deletion timestamp. */
  leavingSeenMs?: number;
  goneSeenMs?: number;
}

/** A watch on the pods of jobs that is independent of the broker's. */
export interface PodLog {
  ofJob(jobId: string): PodFacts[];
  all(): PodFacts[];
  stop(): Promise<void>;
}

export function startPodLog(kubeConfigPath: string, live: Live): PodLog {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeConfigPath);
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const pods = new Map<string, PodFacts>();
  const stopped = new AbortController();
  const query = { labelSelector: jobPodSelector };

  const see = (pod: V1Pod) => {
    const { uid = '', name = '', namespace = '', labels: given, deletionTimestamp } = pod.metadata ?? {};
    const known = pods.get(uid) ?? { uid, jobId: given?.[labels.jobId] ?? '', name, namespace };
    pods.set(uid, known);
    if (pod.spec?.nodeName !== undefined) known.nodeName = pod.spec.nodeName;
    const ready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True');
    if (ready !== undefined) known.readyAtMs ??= new Date(ready.lastTransitionTime ?? Date.now()).getTime();
    if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') known.overSeenMs ??= Date.now();
    if (deletionTimestamp !== undefined && deletionTimestamp !== null) known.leavingSeenMs ??= Date.now();
    return known;
  };
  const gone = (pod: PodFacts) => {
    pod.leavingSeenMs ??= Date.now();
    pod.goneSeenMs ??= Date.now();
  };

  /** Whatever happens to its job, the earlier pod has to be gone before the next one is created. */
  const reportTwo = ({ jobId }: PodFacts) => {
    const there = [...pods.values()].filter((pod) => pod.jobId === jobId && pod.goneSeenMs === undefined);
    if (there.length > 1) live.report('pods', `${jobId} has the pods ${there.map(({ uid }) => uid).join(' and ')}`);
  };

  /** Lists everything, and then follows every change until the connection breaks. */
  async function follow(): Promise<void> {
    const list = await core.listPodForAllNamespaces(query);
    const there = new Set(list.items.map((pod) => see(pod).uid));
    for (const pod of pods.values()) if (!there.has(pod.uid)) gone(pod);
    for (const pod of pods.values()) reportTwo(pod);
    await new Promise<void>((resolve, reject) => {
      new Watch(kubeConfig)
        .watch(
          '/api/v1/pods',
          { ...query, resourceVersion: list.metadata?.resourceVersion },
          (type, pod: V1Pod) => {
            if (type === 'ERROR') return resolve();
            const seen = see(pod);
            if (type === 'DELETED') gone(seen);
            else reportTwo(seen);
          },
          () => resolve(),
        )
        .then((request) => {
          if (stopped.signal.aborted) request.abort();
          else stopped.signal.addEventListener('abort', () => request.abort(), { once: true });
        }, reject);
    });
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      // The API server may be killed.
      await follow().catch(() => undefined);
      await sleep(100);
    }
  })();

  return {
    ofJob: (jobId) => [...pods.values()].filter((pod) => pod.jobId === jobId),
    all: () => [...pods.values()],
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
