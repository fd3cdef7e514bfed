import { setTimeout as sleep } from 'node:timers/promises';
import type { CoreV1Event } from '@kubernetes/client-node';
import { ApiException } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { Kubernetes } from '../../kubernetes/client.js';
import { podEventsSelector, stepOfEvent, type PodStep } from '../../kubernetes/observe-event.js';
import { Reflector } from '../../kubernetes/reflector.js';

/** How often to ask whether the right was given meanwhile. */
const askAgainMs = 600_000;
const retryMs = 10_000;

/**
 * Follows what the machines report of pods, if the broker may read it: an older installation has not the right, and
 * goes on without these steps. The readiness of the watcher does not depend on it.
 */
export function watchPodEvents(kubernetes: Kubernetes, hear: (step: PodStep) => void, logger: Logger) {
  const stopped = new AbortController();
  const fieldSelector = podEventsSelector;
  const reflector = new Reflector<CoreV1Event, PodStep | undefined>({
    name: 'pod events',
    kubeConfig: kubernetes.config,
    path: '/api/v1/events',
    query: { fieldSelector },
    list: (page) => kubernetes.core.listEventForAllNamespaces({ fieldSelector, ...page }),
    see: stepOfEvent,
    onList(steps) {
      for (const step of steps) if (step !== undefined) hear(step);
      return Promise.resolve();
    },
    onEvent(type, event) {
      const step = type === 'DELETED' ? undefined : stepOfEvent(event);
      if (step !== undefined) hear(step);
    },
    logger,
  });
  let asking: Promise<void> | undefined;
  return {
    /** After the first list of pods: what is reported of an unknown pod is not heard. */
    start(): void {
      asking ??= startIfAllowed();
    },
    async stop() {
      stopped.abort();
      await asking;
      await reflector.stop();
    },
  };

  async function startIfAllowed(): Promise<void> {
    while (!stopped.signal.aborted) {
      const pauseMs = await whyNot();
      if (pauseMs === undefined) return reflector.start();
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  }

  /** @returns undefined if the events may be read, or after how long to ask again. */
  async function whyNot(): Promise<number | undefined> {
    try {
      await kubernetes.core.listEventForAllNamespaces({ fieldSelector, limit: 1 });
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiException) || error.code !== 403) return retryMs;
      logger.info('the broker may not read events of pods: customers are not told of the pull of their image');
      return askAgainMs;
    }
  }
}
