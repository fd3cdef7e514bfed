import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from '../auth/networks.js';
import { connectionsClosed } from '../observability/metrics.js';

interface ConnectionBounds {
  /** Concurrent connections; absent behind a proxy, where all of them come from the proxy's address. */
  perAddress?: number;
  total: number;
  /** How long a new connection may stay silent. */
  firstByteMs: number;
}

/** How long a client may take to fetch a response that is ready: the largest has some hundred kilobytes. */
const fetchWithinMs = 30_000;
/** The limit of pipelined requests; no ordinary client sends more. */
const maxPipelined = 16;
const checkEveryMs = 1_000;

type Reason = 'address' | 'total' | 'silent' | 'unfetched' | 'pipelined';

interface Connection {
  socket: Socket;
  network: string;
  /** Since when it has waited for its client: since it was opened, or its last response was fetched. */
  idleSinceMs: number;
  exchanges: Set<Exchange>;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** When the response was first seen to be ready. */
  readyMs?: number;
}

/**
 * Limits a listener's connections: for each address and altogether. At a limit, a new connection replaces the one that
 * has waited longest for its client (of the same address, or of the address with the most connections), so that idle
 * connections cannot keep anybody out. A connection whose request is being answered is never cut off for another.
 */
export function boundConnections(server: Server, bounds: ConnectionBounds): void {
  const byNetwork = new Map<string, Set<Connection>>();
  const bySocket = new WeakMap<Socket, Connection>();
  let total = 0;

  server.on('connection', (socket: Socket) => {
    const connection = {
      socket,
      network: networkOf(socket.remoteAddress ?? ''),
      idleSinceMs: performance.now(),
      exchanges: new Set<Exchange>(),
    };
    const neighbours = byNetwork.get(connection.network) ?? new Set<Connection>();
    const room =
      (neighbours.size < (bounds.perAddress ?? Infinity) || makeRoom(neighbours, 'address')) &&
      (total < bounds.total || makeRoom(largest(byNetwork), 'total'));
    if (!room) {
      socket.destroy();
      return;
    }
    bySocket.set(socket, connection);
    byNetwork.set(connection.network, neighbours.add(connection));
    total++;
    socket.once('close', () => forget(connection));
  });

  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = bySocket.get(request.socket);
    if (connection === undefined) return;
    const exchange = { request, response };
    connection.exchanges.add(exchange);
    response.once('close', () => {
      connection.exchanges.delete(exchange);
      connection.idleSinceMs = performance.now();
    });
    if (connection.exchanges.size > maxPipelined) close(connection, 'pipelined');
  });

  const checks = setInterval(() => {
    const nowMs = performance.now();
    for (const connections of byNetwork.values()) for (const connection of connections) check(connection, nowMs);
  }, checkEveryMs).unref();
  server.once('close', () => clearInterval(checks));

  function check(connection: Connection, nowMs: number): void {
    const isSilent = connection.socket.bytesRead === 0 && nowMs - connection.idleSinceMs >= bounds.firstByteMs;
    if (isSilent) return close(connection, 'silent');
    for (const exchange of connection.exchanges) {
      if (!exchange.response.writableEnded) continue;
      exchange.readyMs ??= nowMs;
      if (nowMs - exchange.readyMs >= fetchWithinMs) return close(connection, 'unfetched');
    }
  }

  /** @returns false if every one of them is being answered. */
  function makeRoom(connections: ReadonlySet<Connection>, reason: Reason): boolean {
    const longest = longestIdle(connections);
    if (longest === undefined) {
      connectionsClosed.inc({ reason });
      return false;
    }
    close(longest, reason);
    return true;
  }

  function close(connection: Connection, reason: Reason): void {
    connectionsClosed.inc({ reason });
    connection.socket.destroy();
    // At once, not at the socket's `close` event: another connection may come before that.
    forget(connection);
  }

  function forget(connection: Connection): void {
    const neighbours = byNetwork.get(connection.network);
    if (neighbours?.delete(connection) !== true) return;
    total--;
    if (neighbours.size === 0) byNetwork.delete(connection.network);
  }
}

/** Of the connections that wait for a request or for the rest of one, the one that has waited longest. */
function longestIdle(connections: ReadonlySet<Connection>): Connection | undefined {
  let found: Connection | undefined;
  for (const connection of connections) {
    const isAnswered = [...connection.exchanges].some(({ request }) => request.complete);
    if (isAnswered) continue;
    if (found === undefined || connection.idleSinceMs < found.idleSinceMs) found = connection;
  }
  return found;
}

function largest(byNetwork: ReadonlyMap<string, Set<Connection>>): Set<Connection> {
  let found = new Set<Connection>();
  for (const connections of byNetwork.values()) if (connections.size > found.size) found = connections;
  return found;
}
