import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { providerSigner, responsesSigner } from './signer.js';
import { compareClocks, RejectedByBroker, streamOf, type BrokerLink, type LinkOptions } from './broker-link.js';
import { providerHeaders } from '../wire/provider-headers.js';
import type { RegistrationReply } from '../wire/join-answer.js';

const requestTimeoutMs = 20_000;
/** One correction each for time and number is enough, so a message is signed at most this often. */
const maxAttempts = 3;
/** Interval between polls for an answer: short right after a registration, longer while the answer is slow to come. */
const [firstPollMs, slowestPollMs] = [500, 10_000] as const;

/** The fields of a problem response that matter here. */
interface Problem {
  code?: string;
  detail?: string;
  reason?: string;
  /** Seconds since 1970. */
  server_time?: number;
  next_seq?: number;
  errors?: { field: string; message: string }[];
}

/**
 * A link over the broker's HTTPS API.
 *
 * @param api the broker's origin, followed by the path prefix that a proxy strips, if any.
 */
export function openHttpsLink(options: LinkOptions & { api: string }): BrokerLink {
  const { nodeKey, delegation, clock, signal, trust } = options;
  const { origin, pathname } = new URL(options.api);
  const prefix = pathname.replace(/\/$/, '');
  const { providerId, audience } = delegation.message;
  const signEntry = providerSigner({ nodeKey, audience, clock, delegation: delegation.authorization });
  const signPoll = responsesSigner({ providerId, nodeKey, audience, clock });
  let after = '0';
  let pollMs: number = firstPollMs;

  /** The broker's answers since the last poll. */
  async function poll(): Promise<RegistrationReply[]> {
    const target = `${prefix}/api/v1/providers/${providerId}/responses?after=${after}`;
    const body = await corrected(async () => {
      const headers = await signPoll(target);
      const answer = await ask('GET', target, headers);
      clock.took(headers[providerHeaders.seq]!);
      return answer;
    });
    const { responses } = body as { responses: { id: string; text?: string; bsig?: string }[] };
    after = responses.at(-1)?.id ?? after;
    const genuine: RegistrationReply[] = [];
    for (const { text = '', bsig } of responses)
      if (await trust.isGenuine({ text, bsig })) genuine.push(JSON.parse(text) as RegistrationReply);
    return genuine;
  }

  /** Runs an attempt with the broker's time, and retries with the time or number that the broker asks for. */
  async function corrected<T>(attempt: () => Promise<T>): Promise<T> {
    if (!clock.isSet) await askTime();
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof RejectedByBroker) || attempts === maxAttempts || !learn(error)) throw error;
      }
    }
  }

  function learn({ cure: { serverTimeS, nextSeq } }: RejectedByBroker): boolean {
    if (nextSeq !== undefined) return clock.goOnFrom(nextSeq);
    if (serverTimeS === undefined) return false;
    setClock(serverTimeS);
    return true;
  }

  function setClock(serverTimeS: number, agoMs = 0): void {
    // The broker's time has whole seconds: half a second is the best guess at the rest.
    clock.set(serverTimeS * 1_000 + 500 + agoMs);
    compareClocks(options);
  }

  /**
   * Asks before anything is signed. An older broker does not name its time; then the `Date` header of a proxy will do.
   */
  async function askTime(): Promise<void> {
    const asked = performance.now();
    const { status, body, headers } = await request('GET', `${prefix}/health`);
    if (status >= 500) throw new Error(`the broker answered ${status}`);
    const { server_time: serverTimeS = Date.parse(headers.get('date') ?? '') / 1_000 } = (body ?? {}) as Problem;
    if (Number.isFinite(serverTimeS)) setClock(serverTimeS, (performance.now() - asked) / 2);
  }

  async function request(
    method: string,
    target: string,
    headers: Record<string, string> = {},
    message?: object,
  ): Promise<{ status: number; headers: Headers; body: unknown }> {
    const response = await fetch(origin + target, {
      method,
      redirect: 'error',
      headers: { ...headers, ...(message === undefined ? {} : { 'content-type': 'application/json' }) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
      ...(message === undefined ? {} : { body: JSON.stringify(message) }),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, body };
  }

  async function ask(...args: Parameters<typeof request>): Promise<unknown> {
    const { status, body } = await request(...args);
    if (status >= 200 && status < 300 && body !== undefined) return body;
    const problem = (body ?? {}) as Problem;
    const fields = problem.errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
    const what = `the broker answered ${status}: ${fields ?? problem.detail ?? 'an unexpected body'}`;
    // Without a code this may be a proxy's response; that, a 5xx and a 429 are outages, and the next try may succeed.
    const isRejection = problem.code !== undefined && status < 500 && status !== 429;
    throw isRejection ? new RejectedByBroker(problem.reason ?? problem.code!, what, cureOf(problem)) : new Error(what);
  }

  return {
    async send(kind, message) {
      const stream = streamOf(kind);
      const data = JSON.stringify(message);
      await corrected(async () => {
        const fields = await signEntry(stream, data);
        await ask('POST', `${prefix}/api/v1/providers/messages`, {}, { stream, ...fields });
        clock.took(fields['seq']!);
      });
    },
    async listen() {
      pollMs = firstPollMs;
      if (!clock.isSet) await askTime();
      trust.expectFrom(clock.now());
      await poll().catch((error: unknown) => {
        // Until this key has registered, the broker may know the provider by another one.
        if (!(error instanceof RejectedByBroker)) throw error;
      });
    },
    async nextReply(timeoutMs) {
      for (const deadline = performance.now() + timeoutMs; ;) {
        const responses = await poll();
        // Each answer replaces the earlier ones.
        const newest = responses.at(-1);
        if (newest !== undefined) return newest;
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return undefined;
        await sleep(Math.min(pollMs, leftMs), undefined, { signal });
        pollMs = Math.min(pollMs * 1.5, slowestPollMs);
      }
    },
    goOnFrom: (nextSeq) => clock.goOnFrom(nextSeq),
    stopListening: () => undefined,
    close: () => undefined,
  };
}

/**
 * Picks the correction to retry with. A delegation that is too old is also rejected for its time, but no clock cures
 * that.
 */
function cureOf({ reason, server_time: serverTimeS, next_seq: nextSeq }: Problem): RejectedByBroker['cure'] {
  if (reason === 'sequence_replayed') return nextSeq === undefined ? {} : { nextSeq };
  const isAboutTime = reason === 'timestamp_skew' || reason === 'sequence_ahead';
  return isAboutTime && Number.isFinite(serverTimeS) ? { serverTimeS: serverTimeS! } : {};
}
