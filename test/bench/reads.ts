/**
 * How many `GET /api/v1/providers` a broker answers per second: `tsx test/bench/reads.ts [url] [seconds] [connections]`.
 * Client and server share the machine, so the figure is for both; the server's RATE_LIMIT_PER_IP must be out of the way.
 */
import { connect, type Socket } from 'node:net';

const url = new URL(process.argv[2] ?? 'http://127.0.0.1:8080/api/v1/providers');
const seconds = Number(process.argv[3] ?? 10);
const connections = Number(process.argv[4] ?? 32);

const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`;
let answered = 0;
let bytes = 0;
let refused = 0;
let stopping = false;

/** Sends the next request when the last answer is complete; reads no more of an answer than its length. */
function keepAsking(): Promise<void> {
  return new Promise((resolve) => {
    const open = (): Socket => {
      let missing = 0;
      let last = false;
      const socket = connect(Number(url.port === '' ? 80 : url.port), url.hostname, () => socket.write(request));
      socket.setNoDelay(true);
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (missing === 0) {
          const head = chunk.toString('latin1', 0, Math.min(chunk.length, 4_096));
          const end = head.indexOf('\r\n\r\n') + 4;
          if (!head.startsWith('HTTP/1.1 200')) refused++;
          // The server ends a connection after a number of requests: the next goes over a new one.
          last = /\r\nconnection: close/i.test(head);
          missing = end + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
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
}

const begun = performance.now();
setTimeout(() => (stopping = true), seconds * 1000);
await Promise.all(Array.from({ length: connections }, keepAsking));
const elapsedS = (performance.now() - begun) / 1000;
console.log(
  JSON.stringify({
    requests_per_second: Math.round(answered / elapsedS),
    megabytes_per_second: Math.round(bytes / elapsedS / 1e6),
    bytes_each: Math.round(bytes / Math.max(1, answered)),
    refused,
    connections,
  }),
);
