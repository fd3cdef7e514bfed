import { connect, type Socket } from 'node:net';

/** How a server bore a load. */
export interface Load {
  perSecond: number;
  bytesEach: number;
  /** Answers that were not 200. */
  refused: number;
}

/**
 * Asks one URL over and over, on several connections at once, each as soon as it has its whole answer; reads no more of
 * an answer than where it ends, so that little of the processor goes to the client.
 */
export async function loadHttp(address: string, durationMs: number, connections: number): Promise<Load> {
  const url = new URL(address);
  const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`;
  let answered = 0;
  let bytes = 0;
  let refused = 0;
  let stopping = false;

  const keepAsking = () =>
    new Promise<void>((resolve) => {
      const open = (): Socket => {
        let answer: Answer | undefined;
        const socket = connect(Number(url.port === '' ? 80 : url.port), url.hostname, () => socket.write(request));
        socket.setNoDelay(true);
        socket.on('data', (chunk) => {
          bytes += chunk.length;
          answer ??= beginAnswer(chunk);
          if (!answer.endsWith(chunk)) return;
          answered++;
          if (!answer.ok) refused++;
          // The server ends a connection after a number of requests: the next goes over a new one.
          if (stopping || answer.last) socket.destroy();
          else socket.write(request);
          answer = undefined;
        });
        socket.on('close', () => (stopping ? resolve() : open()));
        socket.on('error', () => undefined);
        return socket;
      };
      open();
    });

  const began = performance.now();
  setTimeout(() => (stopping = true), durationMs);
  await Promise.all(Array.from({ length: connections }, keepAsking));
  const elapsedS = (performance.now() - began) / 1000;
  return {
    perSecond: Math.round(answered / elapsedS),
    bytesEach: Math.round(bytes / Math.max(1, answered)),
    refused,
  };
}

interface Answer {
  ok: boolean;
  /** The server closes the connection after it. */
  last: boolean;
  /** Takes the next bytes, the first ones included, and tells whether the answer is complete with them. */
  endsWith(chunk: Buffer): boolean;
}

const lastChunk = '\r\n0\r\n\r\n';

/** Reads the head of an answer, of which JSON follows: nothing in it looks like the last chunk of a body in chunks. */
function beginAnswer(first: Buffer): Answer {
  const text = first.toString('latin1', 0, Math.min(first.length, 4_096));
  const headBytes = text.indexOf('\r\n\r\n') + 4;
  const head = text.slice(0, headBytes);
  const status = { ok: head.startsWith('HTTP/1.1 200'), last: /\r\nconnection: close/i.test(head) };
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    let missing = headBytes + Number(length);
    return { ...status, endsWith: (chunk) => (missing -= chunk.length) <= 0 };
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) throw new Error(`an answer without an end: ${head}`);
  let tail = '';
  const endsWith = (chunk: Buffer) => {
    tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - lastChunk.length))).slice(-lastChunk.length);
    return tail === lastChunk;
  };
  return { ...status, endsWith };
}
