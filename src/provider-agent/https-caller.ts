import { performance } from 'node:perf_hooks';
import { compareClocks, RejectedByBroker, type LinkOptions } from './broker-link.js';

const requestTimeoutMs = 20_000;
/** One correction each for time and number is enough, so a message is signed at most this often. */
const maxAttempts = 3;

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

/** Sends requests to the broker's API, with signatures by the broker's own time. */
export interface HttpsCaller {
  /** The path prefix that a proxy strips, if any: each target begins with it. */
  prefix: string;
  /**
   * Sends a request as it is.
   *
   * @returns the JSON of a successful response.
   * @throws RejectedByBroker; any other error is an outage.
   */
  ask(method: string, target: string, headers?: Record<string, string>, message?: object): Promise<unknown>;
  /** Runs an attempt with the broker's time, and repeats it with the time or number that the broker asks for. */
  corrected<T>(attempt: () => Promise<T>): Promise<T>;
  /** Asks the broker for its time, unless it is known. */
  askTime(): Promise<void>;
}

/**
 * @param api the broker's origin, followed by the path prefix that a proxy strips, if any.
 */
export function createHttpsCaller({
  api,
  clock,
  signal,
  say,
}: Pick<LinkOptions, 'clock' | 'signal' | 'say'> & { api: string }): HttpsCaller {
  const { origin, pathname } = new URL(api);
  const prefix = pathname.replace(/\/$/, '');

  function learn({ cure: { serverTimeS, nextSeq } }: RejectedByBroker): boolean {
    if (nextSeq !== undefined) return clock.goOnFrom(nextSeq);
    if (serverTimeS === undefined) return false;
    setClock(serverTimeS);
    return true;
  }

  function setClock(serverTimeS: number, agoMs = 0): void {
    // The broker's time has whole seconds: half a second is the best guess at the rest.
    clock.set(serverTimeS * 1_000 + 500 + agoMs);
    compareClocks({ clock, say });
  }

  /**
   * Asks before anything is signed. An older broker does not name its time; then the `Date` header of a proxy will do.
   */
  async function askTime(): Promise<void> {
    if (clock.isSet) return;
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

  return {
    prefix,
    askTime,
    async ask(...args) {
      const { status, body } = await request(...args);
      if (status >= 200 && status < 300 && body !== undefined) return body;
      const problem = (body ?? {}) as Problem;
      const fields = problem.errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
      const what = `the broker answered ${status}: ${fields ?? problem.detail ?? 'an unexpected body'}`;
      // Without a code this may be a proxy's response; that, a 5xx and a 429 are outages, and the next try may succeed.
      const isRejection = problem.code !== undefined && status < 500 && status !== 429;
      throw isRejection
        ? new RejectedByBroker(problem.reason ?? problem.code!, what, cureOf(problem))
        : new Error(what);
    },
    async corrected(attempt) {
      await askTime();
      for (let attempts = 1; ; attempts++) {
        try {
          return await attempt();
        } catch (error) {
          if (!(error instanceof RejectedByBroker) || attempts === maxAttempts || !learn(error)) throw error;
        }
      }
    },
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
