import type { Caller, Input } from './caller.js';
import { createEventReader, type StreamedEvent } from './event-stream.js';
import { isCode, WorldLandError } from './errors.js';
import { piecesOf } from './exchange.js';
import { pause } from './pause.js';
import type { JobEvent } from './shapes.js';

export interface FollowOptions {
  /** Begin after the event with this `seq`, or of all jobs' events with this `id`. */
  after?: number;
  signal?: AbortSignal;
  /** Called with true when there is a connection, and for whatever comes over it; with false when it is lost. */
  onConnection?: (isThere: boolean) => void;
}

/** A route that streams, and its parameters. */
export interface Stream {
  route: string;
  input?: Pick<Input, 'params' | 'query'>;
}

/** The broker sends a comment every 15 seconds: three of them missing mean that the connection is lost. */
const silenceMs = 45_000;
export const firstPauseMs = 500;
export const longestPauseMs = 8_000;

/** The broker has no such stream: it is older, or something between does not let it through. */
export class NoStream extends Error {}

/**
 * Follows a stream of events over all its connections: it resumes after the last event that it gave out.
 *
 * @throws NoStream if the broker has no such stream; WorldLandError if the broker refuses, or the signal ends it.
 */
export async function* followStream<E extends JobEvent>(
  caller: Caller,
  stream: Stream,
  { after, signal, onConnection }: FollowOptions,
): AsyncGenerator<E> {
  let last = after;
  for (let failed = 0; ;) {
    try {
      for await (const { position, event } of oneConnection(caller, stream, { after: last, signal, onConnection })) {
        failed = 0;
        // After a resume the broker may repeat the last one.
        if (last !== undefined && position <= last) continue;
        last = position;
        yield event as E;
      }
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
    if (signal?.aborted === true) throw new WorldLandError('aborted', 'the caller ended it');
    await pause(Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** failed++), signal);
  }
}

export function isTransient(error: unknown): boolean {
  return error instanceof WorldLandError && (error.retryable || isCode(error, 'network') || isCode(error, 'timeout'));
}

async function* oneConnection(
  caller: Caller,
  stream: Stream,
  { after: last, signal, onConnection }: { [K in keyof FollowOptions]: FollowOptions[K] | undefined },
): AsyncGenerator<Placed> {
  const lastId = last === undefined ? undefined : String(last);
  for await (const streamed of streamedEvents(caller, stream, { lastId, signal, onConnection })) yield placed(streamed);
}

/**
 * The events of one connection.
 *
 * @throws NoStream, WorldLandError
 */
export async function* streamedEvents(
  caller: Caller,
  stream: Stream,
  options: {
    lastId: string | undefined;
    signal: AbortSignal | undefined;
    onConnection?: FollowOptions['onConnection'] | undefined;
  },
): AsyncGenerator<StreamedEvent> {
  const { lastId, signal, onConnection } = options;
  const connection = new AbortController();
  const abort = () => connection.abort();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  try {
    const response = await opened(caller, stream, lastId, connection.signal);
    const read = createEventReader();
    const decoder = new TextDecoder();
    const reader = piecesOf(response.body!);
    for (;;) {
      onConnection?.(true);
      const { done, value } = await withinSilence(reader.read(), abort);
      if (done) return;
      yield* read(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    if (error instanceof WorldLandError || error instanceof NoStream) throw error;
    if (error instanceof RangeError) throw new WorldLandError('protocol', error.message, { cause: error });
    throw new WorldLandError('network', 'the stream of events broke off', { retryable: true, cause: error });
  } finally {
    signal?.removeEventListener('abort', abort);
    connection.abort();
    onConnection?.(false);
  }
}

async function opened(
  caller: Caller,
  stream: Stream,
  lastId: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  };
  const response = await caller
    .stream(stream.route, { ...stream.input, headers, signal, auth: 'token' })
    .catch((error: unknown) => {
      const isMissing = isCode(error, 'not_found') || isCode(error, 'method_not_allowed');
      if (isMissing || (error instanceof WorldLandError && error.status === 406)) throw new NoStream();
      throw error;
    });
  if (/^text\/event-stream\b/.test(response.headers.get('content-type') ?? '') && response.body !== null)
    return response;
  throw new NoStream();
}

async function withinSilence<T>(read: Promise<T>, abort: () => void): Promise<T> {
  const timer = setTimeout(abort, silenceMs);
  try {
    return await read;
  } finally {
    clearTimeout(timer);
  }
}

/** An event, and its place in its stream: what the stream resumes after. */
interface Placed {
  position: number;
  event: JobEvent;
}

function placed({ id, data }: StreamedEvent): Placed {
  try {
    const event = JSON.parse(data) as JobEvent;
    const position = id === '' ? event.seq : Number(id);
    if (Number.isSafeInteger(position) && typeof event.seq === 'number' && typeof event.kind === 'string')
      return { position, event };
  } catch {
    // Said below.
  }
  throw new WorldLandError('protocol', 'the stream holds an event that cannot be read');
}
