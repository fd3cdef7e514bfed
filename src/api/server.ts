import { randomUUID } from 'node:crypto';
import { createServer, STATUS_CODES, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type Koa from 'koa';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { boundConnections } from './connections.js';
import { problemOf } from './problem.js';

interface ApiServer {
  readonly address: AddressInfo;
  /** Takes no new requests, finishes those begun, and cuts off the rest after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Limits of the listener. A request must begin within five seconds and be complete within half a minute, its headers
 * within ten seconds: a slower client holds a connection on purpose. Each route sets its own time limit for the
 * response (`answerInTime`).
 */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
  /** A load balancer's connections are kept longer than the balancer itself keeps them (AWS and nginx: 60 s). */
  keepAliveTimeout: { proxied: 65_000, direct: 5_000 },
  firstByteMs: { proxied: 65_000, direct: 5_000 },
  maxRequestsPerSocket: 1_000,
} as const;

/** Listens on `PROXY_HOST:PROXY_PORT`. */
export async function startApiServer(
  app: Koa,
  config: Pick<Config, 'PROXY_HOST' | 'PROXY_PORT' | 'TRUST_PROXY' | 'MAX_CONNECTIONS' | 'MAX_CONNECTIONS_PER_IP'>,
): Promise<ApiServer> {
  const answer = app.callback();
  const server = createServer(
    {
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      connectionsCheckingInterval: limits.connectionsCheckingInterval,
      maxHeaderSize: limits.maxHeaderSize,
      keepAliveTimeout: config.TRUST_PROXY ? limits.keepAliveTimeout.proxied : limits.keepAliveTimeout.direct,
      noDelay: true,
    },
    (request, response) => void answer(request, response),
  );
  // A client may send many requests over one connection, but not without end; a load balancer's connections are not
  // cut.
  server.maxRequestsPerSocket = config.TRUST_PROXY ? 0 : limits.maxRequestsPerSocket;
  // All headers that fit the byte limit are visible, and counted where they are read: Node would leave some out.
  server.maxHeadersCount = 0;
  const way = config.TRUST_PROXY ? 'proxied' : 'direct';
  boundConnections(server, {
    ...(config.TRUST_PROXY ? {} : { perAddress: config.MAX_CONNECTIONS_PER_IP }),
    total: config.MAX_CONNECTIONS,
    firstByteMs: limits.firstByteMs[way],
  });
  server.on('clientError', refuse);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.PROXY_PORT, config.PROXY_HOST, resolve);
  });
  return { address: server.address() as AddressInfo, stop: (graceMs) => stop(server, graceMs) };
}

async function stop(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Responses under way must tell their client not to send the next request over this connection.
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
  server.closeIdleConnections();
  // A connection that becomes idle after its response would stay open and hold up the stop.
  const sweeping = setInterval(() => server.closeIdleConnections(), 50);
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweeping);
  clearTimeout(cutOff);
}

/**
 * Input that is not HTTP, or too slow or too large to be read as such, gets a short response, and the connection is
 * closed.
 */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new BrokerError('headers_too_large', `all headers together may be ${limits.maxHeaderSize} bytes long`)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new BrokerError('request_timeout', 'send a request without waiting in between')
        : new BrokerError('malformed_request', 'this is not a request of HTTP/1.1');
  const body = JSON.stringify(problemOf(refusal, randomUUID()));
  const headers = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    'connection: close',
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
