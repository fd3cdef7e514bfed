import { WorldLandError, type FieldProblem } from './errors.js';

export interface Exchange {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | undefined;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface Reply<T = unknown> {
  status: number;
  /** The parsed JSON; text if the broker sent text; undefined if the body is empty. */
  body: T;
  headers: Headers;
}

export type Fetch = typeof fetch;

/** Far more than the longest page of the broker; anything longer is not from a broker. */
const maxReplyChars = 32 * 1024 * 1024;

/**
 * One request and its answer, whatever its status.
 *
 * @throws WorldLandError `network`, `timeout`, `aborted`; `protocol` if the answer cannot come from a broker.
 */
export async function exchange(send: Fetch, { url, timeoutMs, signal, ...request }: Exchange): Promise<Reply> {
  const place = placeOf(url);
  const clock = withDeadline(timeoutMs, signal);
  try {
    const response = await send(url, { ...init(request), signal: clock.signal });
    refuseRedirect(response, place);
    const text = await readText(response, place);
    return { status: response.status, body: parsed(response, text, place), headers: response.headers };
  } catch (error) {
    throw clock.failureOf(error, place);
  } finally {
    clock.stop();
  }
}

/** @throws WorldLandError with the broker's code if the reply is not a success. */
export function requireSuccess(reply: Reply, url: string): Reply {
  if (reply.status >= 200 && reply.status <= 299) return reply;
  throw problemOf(reply, placeOf(url));
}

/** As `exchange`, for an answer that is read piece by piece: the time limit holds until its headers are there. */
export async function openStream(send: Fetch, { url, timeoutMs, signal, ...request }: Exchange): Promise<Response> {
  const place = placeOf(url);
  const clock = withDeadline(timeoutMs, signal);
  try {
    const response = await send(url, { ...init(request), signal: clock.signal });
    refuseRedirect(response, place);
    if (response.status === 200) return response;
    const body = parsed(response, await readText(response, place), place);
    throw problemOf({ status: response.status, body, headers: response.headers }, place);
  } catch (error) {
    throw clock.failureOf(error, place);
  } finally {
    clock.stopTimer();
  }
}

function init({ method, headers, body }: Omit<Exchange, 'url' | 'timeoutMs' | 'signal'>): RequestInit {
  return { method, headers, redirect: 'manual', credentials: 'omit', ...(body === undefined ? {} : { body }) };
}

interface Deadline {
  signal: AbortSignal;
  stopTimer(): void;
  stop(): void;
  /** What became of a request that failed. */
  failureOf(error: unknown, place: string): unknown;
}

/** A time limit and a caller's signal as one signal, and which of the two ended a request. */
function withDeadline(timeoutMs: number, signal: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, timeoutMs);
  const abort = () => controller.abort();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  return {
    signal: controller.signal,
    stopTimer: () => clearTimeout(timer),
    stop() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    },
    failureOf(error: unknown, place: string): unknown {
      if (error instanceof WorldLandError) return error;
      if (signal?.aborted === true) return new WorldLandError('aborted', 'the caller ended it', { cause: error });
      if (late) {
        const detail = `${place} did not answer within ${timeoutMs / 1000} s`;
        return new WorldLandError('timeout', detail, { retryable: true, cause: error });
      }
      return new WorldLandError('network', `${place} cannot be reached: ${reasonOf(error)}`, {
        retryable: true,
        cause: error,
      });
    },
  };
}

/** What `fetch` keeps in `cause`: its own message says only that it failed. */
function reasonOf(error: unknown): string {
  for (let at = error as Failed | undefined, depth = 0; at !== undefined && depth < 5; at = at.cause, depth++) {
    if (typeof at.code === 'string') return at.code;
    if (at.cause === undefined && typeof at.message === 'string') return at.message;
  }
  return 'no connection';
}

interface Failed {
  code?: unknown;
  message?: unknown;
  cause?: Failed;
}

function placeOf(url: string): string {
  return new URL(url).origin;
}

function refuseRedirect(response: Response, place: string): void {
  if (response.type !== 'opaqueredirect' && (response.status < 300 || response.status > 399)) return;
  const to = response.headers.get('location');
  const where = to === null ? '' : ` to ${to.slice(0, 200)}`;
  throw new WorldLandError('protocol', `${place} redirects${where}: give the broker's own address`, {
    status: response.status,
  });
}

/** What reads a body piece by piece: platforms type it differently. */
export function piecesOf(body: NonNullable<Response['body']>) {
  return body.getReader() as {
    read(): Promise<{ done: boolean; value?: Uint8Array }>;
    cancel(): Promise<void>;
  };
}

async function readText(response: Response, place: string): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  const reader = piecesOf(response.body);
  const parts: string[] = [];
  for (let length = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return parts.join('') + decoder.decode();
    const part = decoder.decode(value, { stream: true });
    parts.push(part);
    if ((length += part.length) <= maxReplyChars) continue;
    await reader.cancel();
    throw new WorldLandError('protocol', `${place} sent more than any answer of a broker holds`);
  }
}

function parsed(response: Response, text: string, place: string): unknown {
  if (text === '') return undefined;
  const type = typeOf(response);
  if (!/\bjson\b/.test(type)) {
    if (/^text\/(?:plain|csv)\b/.test(type)) return text;
    throw foreign(response, place, type === '' ? 'text of no type' : type);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WorldLandError('protocol', `${place} sent JSON that cannot be read`, {
      ...factsOf(response),
      cause: error,
    });
  }
}

/** Who answers here is not a broker: another server, or a proxy in front of a broker that is down. */
function foreign(response: Pick<Response, 'status' | 'headers'>, place: string, what: string): WorldLandError {
  const detail = `${place} answered ${response.status} with ${what.slice(0, 80)}, not as a broker does`;
  return new WorldLandError('protocol', detail, factsOf(response));
}

function factsOf(response: Pick<Response, 'status' | 'headers'>) {
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  return {
    status: response.status,
    retryable: response.status >= 502 && response.status <= 504,
    requestId: response.headers.get('x-request-id') ?? undefined,
    retryAfterS: Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined,
  };
}

/** The broker's failure, from its problem document. */
function problemOf(response: Reply, place: string): WorldLandError {
  const { body } = response;
  const isProblem = typeof body === 'object' && body !== null && typeof (body as { code?: unknown }).code === 'string';
  if (!isProblem) return foreign(response, place, typeOf(response) || 'nothing');
  const {
    type: _type,
    title,
    status: _status,
    code,
    detail,
    request_id,
    errors,
    ...data
  } = body as Record<string, unknown> & { code: string };
  const facts = factsOf(response);
  return new WorldLandError(code, textOf(detail) ?? textOf(title) ?? '', {
    ...facts,
    requestId: textOf(request_id) ?? facts.requestId,
    retryable: facts.retryable || response.status === 503 || response.status === 429,
    ...(Array.isArray(errors) ? { fields: errors as FieldProblem[] } : {}),
    data,
  });
}

function typeOf(response: Pick<Response, 'headers'>): string {
  return response.headers.get('content-type') ?? '';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
