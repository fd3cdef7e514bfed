import { setTimeout as sleep } from 'node:timers/promises';
import { providerSigner, responsesSigner } from '../auth/provider-client.js';
import type { RegistrationReply } from '../redis/replies/replies.js';
import { MessageRefused, streamOf, type BrokerLink, type LinkOptions } from './broker-link.js';

const requestTimeoutMs = 20_000;
/** Between looks for an answer: soon after a registration, seldom when it takes long. */
const [firstLookMs, slowestLookMs] = [500, 10_000] as const;

/** The members of a problem that matter here. */
interface Problem {
  code?: string;
  detail?: string;
  reason?: string;
  /** Seconds since 1970. */
  server_time?: number;
  errors?: { field: string; message: string }[];
}

/**
 * The way through the broker's API.
 *
 * @param api the broker's origin, with the path that a proxy takes off, if any.
 */
export function openHttpsLink(options: LinkOptions & { api: string }): BrokerLink {
  const { nodeKey, delegation, signal, say } = options;
  const { origin, pathname } = new URL(options.api);
  const prefix = pathname.replace(/\/$/, '');
  const { providerId, audience } = delegation.message;
  let skewMs = 0;
  const now = () => Date.now() + skewMs;
  const signEntry = providerSigner({ nodeKey, audience, now, delegation: delegation.authorization });
  const signLook = responsesSigner({ providerId, nodeKey, audience, now });
  let after = '0';
  let lookMs: number = firstLookMs;

  async function look(): Promise<{ id: string; data: RegistrationReply }[]> {
    const target = `${prefix}/api/v1/providers/${providerId}/responses?after=${after}`;
    const body = await onTime(async () => await ask('GET', target, await signLook(target)));
    const { responses } = body as { responses: { id: string; data: RegistrationReply }[] };
    after = responses.at(-1)?.id ?? after;
    return responses;
  }

  /** Does it again with the broker's time, where this machine's clock is wrong. */
  async function onTime<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof WrongClock)) throw error;
      skewMs = error.serverTimeS * 1_000 - Date.now();
      say(`the clock of this machine is off by ${Math.round(-skewMs / 1_000)} s: it should be set (NTP)`);
      return await attempt();
    }
  }

  async function ask(method: string, target: string, headers: Record<string, string>, body?: object): Promise<unknown> {
    const response = await fetch(origin + target, {
      method,
      redirect: 'error',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const answer: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
    if (response.ok && isJson) return answer;
    const problem = (answer ?? {}) as Problem;
    if (problem.reason === 'timestamp_skew' && problem.server_time !== undefined)
      throw new WrongClock(problem.server_time);
    const fields = problem.errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
    const what = `the broker answered ${response.status}: ${fields ?? problem.detail ?? 'not what it should'}`;
    // What is nobody's answer to this message may be otherwise the next time.
    const isRefusal = problem.code !== undefined && response.status < 500 && response.status !== 429;
    throw isRefusal ? new MessageRefused(problem.reason ?? problem.code!, what) : new Error(what);
  }

  return {
    async send(kind, message) {
      const stream = streamOf(kind);
      const data = JSON.stringify(message);
      await onTime(async () => {
        const fields = await signEntry(stream, data);
        await ask('POST', `${prefix}/api/v1/providers/messages`, {}, { stream, ...fields });
      });
    },
    async listen() {
      lookMs = firstLookMs;
      await look().catch((error: unknown) => {
        // Another key speaks for the provider until this one has registered.
        if (!(error instanceof MessageRefused)) throw error;
      });
    },
    async nextReply(timeoutMs) {
      for (const deadline = Date.now() + timeoutMs; ;) {
        const responses = await look();
        // Each takes the place of those before it.
        const newest = responses.at(-1);
        if (newest !== undefined) return newest.data;
        const leftMs = deadline - Date.now();
        if (leftMs <= 0) return undefined;
        await sleep(Math.min(lookMs, leftMs), undefined, { signal });
        lookMs = Math.min(lookMs * 1.5, slowestLookMs);
      }
    },
    stopListening: () => undefined,
    close: () => undefined,
  };
}

/** The message was refused for the time it was signed with. */
class WrongClock extends Error {
  constructor(readonly serverTimeS: number) {
    super('the clock of this machine is off, and the broker does not take the time it said itself');
  }
}
