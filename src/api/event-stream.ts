import type { ServerResponse } from 'node:http';
import type { SessionPrincipal } from '../auth/customers/principal.js';
import type { ToldEvent } from './event-replies.js';
import type { JobEventReply } from './schemas/event.js';

/** More than this is not handed to a client that is slow to take it: it stays in the database until there is room. */
const bufferedAtMost = 64 * 1024;

/** One client that reads events as they happen. */
export interface EventStream {
  readonly principal: SessionPrincipal;
  /** The id of the last event that it has passed. */
  position: number;
  readonly closesAtMs: number;
  hasRoom(): boolean;
  /** Sends those that it has not passed; the last one of a job ends the stream of that job. */
  send(events: readonly ToldEvent[]): void;
  /** Shows client and proxies that the connection lives. */
  heartbeat(): void;
  /** Since when its client has not taken what it was given, by `performance.now()`; absent if it has. */
  blockedSinceMs(): number | undefined;
  end(): void;
  drop(): void;
}

export interface OpenedStream {
  response: ServerResponse;
  principal: SessionPrincipal;
  /** Of this job only. */
  jobId?: string | undefined;
  /** What it is sent first. */
  past?: readonly ToldEvent[];
  /** It goes on after this one, or after the last one of its past. */
  position: number;
  closesAtMs: number;
  /** The client has taken what it was given. */
  onRoom: () => void;
  onClose: () => void;
}

/** Writes the head of the response and returns the stream. */
export function openStream({ response, principal, jobId, closesAtMs, onRoom, onClose, ...opened }: OpenedStream) {
  let blockedSinceMs: number | undefined;
  const write = (text: string) => {
    if (response.writableEnded || response.destroyed) return;
    if (!response.write(text)) blockedSinceMs ??= performance.now();
  };
  const stream: EventStream = {
    principal,
    closesAtMs,
    position: 0,
    hasRoom: () => response.writableLength < bufferedAtMost,
    send(events) {
      for (const { event, reply } of events) {
        if (event.id <= stream.position) continue;
        stream.position = event.id;
        if (jobId !== undefined && event.jobId !== jobId) continue;
        write(jobId === undefined ? frame(event.id, { ...reply, id: event.id }) : frame(event.seq, reply));
        if (jobId !== undefined && event.kind === 'ended') stream.end();
      }
    },
    heartbeat: () => write(':\n\n'),
    blockedSinceMs: () => blockedSinceMs,
    end: () => void response.end(),
    drop: () => void response.destroy(),
  };
  response.on('drain', () => {
    blockedSinceMs = undefined;
    onRoom();
  });
  response.once('close', onClose);
  // Not all at once after a restart.
  write(`retry: ${1_000 + Math.round(Math.random() * 2_000)}\n\n`);
  stream.send(opened.past ?? []);
  stream.position = Math.max(stream.position, opened.position);
  return stream;
}

/** JSON has no line breaks: each event is one line of data. */
function frame(id: number, reply: JobEventReply & { id?: number }): string {
  return `id: ${id}\nevent: ${reply.kind}\ndata: ${JSON.stringify(reply)}\n\n`;
}
