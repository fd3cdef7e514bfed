import { connect, type Socket } from 'node:net';

/** How a server coped with a load. */
export interface Load {
  perSecond: number;
  bytesEach: number;
  /** Responses with another status than 200. */
  refused: number;
}

/**
 * Requests one URL repeatedly, on several connections at once, each as soon as it has its whole response. It parses only
 * where a response ends, so that the client uses little of the processor.
 */
export async function loadHttp(
  address: string,
  durationMs: number,
  connections: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Load> {
  const url = new URL(address);
  const fields = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${fields.join('')}\r\n`;
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
          // The server closes a connection after a number of requests: continue on a new one.
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
  /** Takes the next bytes. @returns whether they complete the response. */
  endsWith(chunk: Buffer): boolean;
}

const lastChunk = '\r\n0\r\n\r\n';

/** Parses the head of a JSON response; JSON never contains the bytes of the last chunk of a chunked body. */
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
