import type { V1CertificateSigningRequest, V1Node, V1Pod } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { isTokenUntold } from '../../db/answer-desk.js';
import { isBeingRemoved, liveJobs } from '../../db/jobs.js';
import { providerOfToken } from '../../db/join-tokens.js';
import { providerByNode, providersWithNodes } from '../../db/provider-reads.js';
import { jobObjectName } from '../../domain/job.js';
import { isOver, type PodObservation } from '../../../workflows/job-messages.js';
import { sideBySide, type Failed } from '../../side-by-side.js';
import { unlessNotFound, type Kubernetes } from '../../kubernetes/client.js';
import { bootstrapUserPrefix, jobPodSelector, labels, nodeUserPrefix } from '../../kubernetes/names.js';
import { kubeletClientSigner } from '../../kubernetes/node-certificates.js';
import { watchPodEvents } from './events-watch.js';
import { JobSteps } from './job-steps.js';
import { watchMiners } from './miners-watch.js';
import { goneNode, observeNode, type NodeObservation } from '../../kubernetes/observe.js';
import { startOfPod, type PodStart } from '../../kubernetes/observe-event.js';
import { gonePod, observeDeletedPod, observePod } from '../../kubernetes/observe-pod.js';
import { jobSignals, providerSignals } from '../../temporal/signals.js';
import { OutboundSignals } from './outbound-signals.js';
import { PodNews } from './pod-news.js';
import { Reflector } from '../../kubernetes/reflector.js';

/** How many single objects are read concurrently after a list. */
const checksAtOnce = 20;

export interface WatcherDeps {
  kubernetes: Kubernetes;
  temporal: Client;
  pool: Pool;
  logger: Logger;
}

export interface Watcher {
  /** Which parts are up to date with the cluster and which are not. */
  ready(): Record<string, { ok: boolean; detail?: string }>;
  stop(): Promise<void>;
}

/**
 * The watcher role: every *transition* of a job's pod, of a provider's node and of a node's certificate request becomes
 * a signal, and every transition of a miner a count in the database. It has no state worth keeping: at its start, and
 * after every gap, it compares the cluster's lists with the database and signals the differences.
 */
export function startWatcher({ kubernetes, temporal, pool, logger }: WatcherDeps): Watcher {
  const signals = new OutboundSignals(temporal, logger);
  const watches = [
    watchMiners(kubernetes, pool, logger),
    watchPods(kubernetes, pool, signals, logger),
    watchNodes(kubernetes, pool, signals, logger),
    watchCertificateRequests(kubernetes, pool, signals, logger),
  ];
  for (const { reflector } of watches) reflector.start();
  return {
    ready: () => Object.fromEntries(watches.map(({ name, reflector }) => [name, { ok: reflector.synced }])),
    async stop() {
      await Promise.all(watches.map((watch) => watch.stop()));
      await signals.stop();
    },
  };
}

interface SeenPod {
  jobId: string | undefined;
  observation: PodObservation;
  start: PodStart;
}

function watchPods(kubernetes: Kubernetes, pool: Pool, signals: OutboundSignals, logger: Logger) {
  const news = new PodNews((jobId, observation) => {
    const signal = jobSignals.podObserved(jobId, observation);
    // A workflow that removes the pod itself waits for no news of it. Where the database does not say so, it is told.
    const unlessRemoved = async () => ((await isBeingRemoved(pool, jobId).catch(() => false)) ? undefined : signal);
    signals.send(`pod/${jobId}`, isOver(observation) ? unlessRemoved : signal);
  });
  const jobIdOf = (pod: V1Pod) => pod.metadata?.labels?.[labels.jobId];
  const steps = new JobSteps(pool, logger);
  const events = watchPodEvents(kubernetes, (step) => steps.hear(step), logger);
  const seeSteps = (jobId: string, { phase }: PodObservation, start: PodStart) => {
    if (phase === 'pending') steps.seeStarting(jobId, start);
    else steps.forget(start.uid);
  };

  const reflector = new Reflector<V1Pod, SeenPod>({
    name: 'pods',
    kubeConfig: kubernetes.config,
    path: '/api/v1/pods',
    query: { labelSelector: jobPodSelector },
    list: (page) => kubernetes.core.listPodForAllNamespaces({ labelSelector: jobPodSelector, ...page }),
    see: (pod) => ({ jobId: jobIdOf(pod), observation: observePod(pod), start: startOfPod(pod) }),
    async onList(pods) {
      const byJob = new Map(pods.map(({ jobId, observation }) => [jobId, observation]));
      for (const { jobId, observation, start } of pods) if (jobId !== undefined) seeSteps(jobId, observation, start);
      steps.forgetAllBut(new Set(pods.map(({ start }) => start.uid)));
      events.start();
      const failed = await sideBySide(await liveJobs(pool), checksAtOnce, async (job) => {
        const observation = byJob.get(job.jobId);
        if (observation !== undefined) {
          const knows = job.status === 'running' && observation.phase === 'running' && job.podUid === observation.uid;
          if (knows) news.knowsRunning(job.jobId, observation.uid);
          else news.see(job.jobId, observation);
        } else if (job.status === 'running' && job.podUid !== undefined) {
          // The database may be newer than the list: read the pod again before saying that a customer's pod is gone.
          const again = await unlessNotFound(
            kubernetes.core.readNamespacedPod({
              name: jobObjectName(job.jobId),
              namespace: job.namespace,
            }),
          );
          news.see(job.jobId, again === undefined ? gonePod(job.podUid) : observePod(again));
        }
      });
      leaveToReconciler(logger, failed, ({ jobId }) => jobId);
    },
    onEvent(type, pod) {
      const jobId = jobIdOf(pod);
      if (jobId === undefined) return;
      const observation = type === 'DELETED' ? observeDeletedPod(pod) : observePod(pod);
      seeSteps(jobId, observation, startOfPod(pod));
      news.see(jobId, observation);
    },
    logger,
  });
  return {
    name: 'pods',
    reflector,
    async stop() {
      await Promise.all([reflector.stop(), events.stop()]);
      await steps.stop();
      news.stop();
    },
  };
}

/** An object that cannot be read does not hold up the others' news: the reconciler checks it again within a minute. */
function leaveToReconciler<T>(logger: Logger, failed: readonly Failed<T>[], nameOf: (item: T) => string): void {
  if (failed.length === 0) return;
  const about = failed.slice(0, 10).map(({ item }) => nameOf(item));
  logger.warn({ err: failed[0]!.error, failed: failed.length, about }, 'some of what is missing could not be checked');
}

function watchNodes(kubernetes: Kubernetes, pool: Pool, signals: OutboundSignals, logger: Logger) {
  const told = new Map<string, string>();

  const tell = (observation: NodeObservation) => {
    const summary = nodeSummary(observation);
    if (told.get(observation.nodeName) === summary) return;
    told.set(observation.nodeName, summary);
    const { nodeName, state } = observation;
    signals.send(`node/${nodeName}`, async () => {
      const providerId = await providerByNode(pool, nodeName);
      return providerId === undefined ? undefined : providerSignals.nodeObserved(providerId, { state });
    });
  };

  const readNode = async (name: string) => {
    const node = await unlessNotFound(kubernetes.core.readNode({ name }));
    return node === undefined ? undefined : observeNode(node);
  };

  const reflector = new Reflector<V1Node, NodeObservation>({
    name: 'nodes',
    kubeConfig: kubernetes.config,
    path: '/api/v1/nodes',
    list: (page) => kubernetes.core.listNode(page),
    see: observeNode,
    async onList(nodes) {
      const byName = new Map(nodes.map((node) => [node.nodeName, node]));
      const failed = await sideBySide(await providersWithNodes(pool), checksAtOnce, async (known) => {
        const observation = byName.get(known.nodeName) ?? (await readNode(known.nodeName));
        if (observation === undefined) {
          if (known.nodeUid !== undefined) tell(goneNode(known.nodeName, known.nodeUid));
          return;
        }
        const knows =
          known.nodeUid === observation.uid &&
          known.nodeReady === (observation.state === 'ready') &&
          known.nodeGpus === observation.gpus &&
          known.gpuResources === observation.gpuResources;
        if (knows) told.set(known.nodeName, nodeSummary(observation));
        else tell(observation);
      });
      leaveToReconciler(logger, failed, ({ nodeName }) => nodeName);
    },
    onEvent(type, node) {
      const seen = observeNode(node);
      tell(type === 'DELETED' ? goneNode(seen.nodeName, seen.uid) : seen);
      if (type === 'DELETED') told.delete(seen.nodeName);
    },
    logger,
  });
  return { name: 'nodes', reflector, stop: () => reflector.stop() };
}

function nodeSummary({ uid, state, gpus, gpuResources }: NodeObservation): string {
  return `${uid} ${state} ${gpus} ${gpuResources}`;
}

function watchCertificateRequests(kubernetes: Kubernetes, pool: Pool, signals: OutboundSignals, logger: Logger) {
  const fieldSelector = `spec.signerName=${kubeletClientSigner}`;

  const tell = (request: V1CertificateSigningRequest) => {
    const name = request.metadata?.name;
    const username = request.spec.username ?? '';
    const decided = (request.status?.conditions?.length ?? 0) > 0;
    if (name === undefined || decided) return;
    // The API server itself wrote the user name: the token id or the node in it identifies the provider.
    const after = (prefix: string) => (username.startsWith(prefix) ? username.slice(prefix.length) : undefined);
    const [tokenId, nodeName] = [after(bootstrapUserPrefix), after(nodeUserPrefix)];
    if (tokenId === undefined && nodeName === undefined) return;
    signals.send(`csr/${name}`, async () => {
      const providerId =
        tokenId === undefined ? await providerByNode(pool, nodeName!) : await providerOfToken(pool, tokenId);
      const request = { name, ...(tokenId === undefined ? {} : { tokenId }) };
      // A machine may be quicker than its workflow, which is told of its registration last. This is tried again.
      if (tokenId !== undefined && (await isTokenUntold(pool, tokenId)))
        throw new Error('the workflow has not been told of the registration yet');
      return providerId === undefined ? undefined : providerSignals.certificateRequested(providerId, request);
    });
  };

  const reflector = new Reflector<V1CertificateSigningRequest, V1CertificateSigningRequest>({
    name: 'certificate requests',
    kubeConfig: kubernetes.config,
    path: '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    query: { fieldSelector },
    list: (page) => kubernetes.certificates.listCertificateSigningRequest({ fieldSelector, ...page }),
    // The control plane's own cleaner deletes them an hour after the decision.
    see: (request) => request,
    onList(requests) {
      requests.forEach(tell);
      return Promise.resolve();
    },
    onEvent(type, request) {
      if (type === 'ADDED') tell(request);
    },
    logger,
  });
  return { name: 'certificate requests', reflector, stop: () => reflector.stop() };
}
