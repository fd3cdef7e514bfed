import { connect, type Socket } from 'node:net';

/** How a server bore a load. */
export interface Load {
  perSecond: number;
  bytesEach: number;
  /** Answers that were not 200. */
  refused: number;
}

/**
 * Asks one URL over and over, on several connections at once, each as soon as it has its answer; reads no more of an
 * answer than its length, so that little of the processor goes to the client.
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
        let missing = 0;
        let last = false;
        const socket = connect(Number(url.port === '' ? 80 : url.port), url.hostname, () => socket.write(request));
        socket.setNoDelay(true);
        socket.on('data', (chunk) => {
          bytes += chunk.length;
          if (missing === 0) {
            const head = chunk.toString('latin1', 0, Math.min(chunk.length, 4_096));
            const length = /content-length: (\d+)/i.exec(head)?.[1];
            if (!head.startsWith('HTTP/1.1 200') || length === undefined) refused++;
            // The server ends a connection after a number of requests: the next goes over a new one.
            last = /\r\nconnection: close/i.test(head);
            missing = head.indexOf('\r\n\r\n') + 4 + Number(length ?? 0);
          }
          missing -= chunk.length;
          if (missing > 0) return;
          missing = 0;
          answered++;
          if (stopping || last) socket.destroy();
          else socket.write(request);
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
