import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
  method: string;
  target: string;
  headers: IncomingMessage['headers'];
  body: string;
}

type Answer = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

/** An HTTP server that answers as a test says: what a broken or hostile broker could answer. */
export interface FalseBroker {
  url: string;
  /** In the order of arrival. */
  received: ReceivedRequest[];
  /** The answers to the next requests; the last one stays. */
  answer(...answers: Answer[]): void;
  stop(): Promise<void>;
}

export async function startFalseBroker(): Promise<FalseBroker> {
  const received: ReceivedRequest[] = [];
  let answers: Answer[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { method = '', url: target = '', headers } = request;
      const got = { method, target, headers, body: Buffer.concat(pieces).toString() };
      received.push(got);
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      await answer(got, response);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (...next) => void (answers = next),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** A failure in the broker's own form. */
export function problem(status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Answer {
  const type = 'application/problem+json';
  const body = { type: '', title: code, status, code, detail: `because ${code}`, request_id: 'req-1', ...more };
  return json(status, body, { 'content-type': type, ...headers });
}

/** Closes the connection without an answer. */
export const hangUp: Answer = (_, response) => void response.destroy();

/** Server-sent events after the one that the client has; the connection stays open unless it `ends`, cut off. */
export function events(list: readonly { seq: number; kind: string }[], { ends = false } = {}): Answer {
  return ({ headers }, response) => {
    const after = Number(headers['last-event-id'] ?? -1);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    for (const event of list.filter(({ seq }) => seq > after)) {
      response.write(`id: ${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify({ job_id: 'j', ...event })}\n\n`);
    }
    if (ends) response.socket!.end();
  };
}
