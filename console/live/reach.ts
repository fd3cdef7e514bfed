import { computed, signal } from '@preact/signals';
import { learnClock } from './clock.js';

/** Whether the browser has a network; whether the broker has answered the last request. */
const hasNetwork = signal(navigator.onLine);
const answersSinceMs = signal<{ answers: boolean; sinceMs: number }>({ answers: true, sinceMs: Date.now() });

/**
 * `offline`: this computer has no network. `away`: the broker does not answer. Actions are switched off in both
 * (`canAct`), nothing is queued, and what was read stays with its age.
 */
export const reach = computed<'there' | 'offline' | 'away'>(() =>
  !hasNetwork.value ? 'offline' : answersSinceMs.value.answers ? 'there' : 'away',
);
export const canAct = computed(() => reach.value === 'there');
/** Since when the broker has not answered. */
export const awaySinceMs = computed(() => (answersSinceMs.value.answers ? undefined : answersSinceMs.value.sinceMs));

/** Counts up when the broker, the network or a login is back: what failed in the meantime is read anew. */
export const comebacks = signal(0);

function note(answers: boolean): void {
  const was = answersSinceMs.peek();
  if (was.answers === answers) return;
  answersSinceMs.value = { answers, sinceMs: Date.now() };
  if (answers) comebacks.value += 1;
}

/** How often a broker that is away is asked whether it is back. */
const probeMs = 3_000;

/** @param probe any small request: on a page that reads nothing, nothing else would notice that the broker is back. */
export function startReach(probe: () => Promise<unknown>): void {
  addEventListener('online', () => {
    hasNetwork.value = true;
    comebacks.value += 1;
  });
  addEventListener('offline', () => (hasNetwork.value = false));
  setInterval(() => {
    if (reach.peek() === 'away' && !document.hidden) probe().catch(() => undefined);
  }, probeMs);
}

/** `fetch` that learns from each answer whether the broker is there, and what time it is at the broker. */
export async function watchedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const startedMs = performance.now();
  try {
    const response = await fetch(input, init);
    learnClock(response.headers, performance.now() - startedMs);
    // A proxy answers for a broker that is down, and not with JSON, as a broker does for what it depends on.
    const isGateway = response.status >= 502 && response.status <= 504;
    note(!isGateway || /\bjson\b/.test(response.headers.get('content-type') ?? ''));
    return response;
  } catch (error) {
    // What was given up, by the page or after the client's time limit, says nothing about who is there.
    if (init?.signal?.aborted !== true) note(false);
    throw error;
  }
}
