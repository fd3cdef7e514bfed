import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from '../auth/networks.js';
import { connectionsClosed } from '../observability/metrics.js';

export interface ConnectionBounds {
  /** At the same time; absent behind a proxy, from whose one address all of them come. */
  perAddress?: number;
  total: number;
  /** How long a new connection may say nothing. */
  firstByteMs: number;
}

/** How long a client may take to fetch an answer that is ready: the largest has some hundred kilobytes. */
const fetchWithinMs = 30_000;
/** Requests that a client sends without waiting for the answers; more is nobody's way of asking. */
const maxPipelined = 16;
const lookEveryMs = 1_000;

type Reason = 'address' | 'total' | 'silent' | 'unfetched' | 'pipelined';

interface Connection {
  socket: Socket;
  network: string;
  /** Since when it waits for its client: it was opened, or its last answer was fetched. */
  idleSinceMs: number;
  exchanges: Set<Exchange>;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** When the answer was first seen to be ready. */
  readyMs?: number;
}

/**
 * Bounds the connections of a listener: of each address and altogether. At a bound a new one takes the place of the one
 * that has waited longest for its client, of the same address or of the address that has most, so that nobody is kept out
 * by connections on which nothing happens. One that is being answered is never cut off for another.
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

  const looking = setInterval(() => {
    const nowMs = performance.now();
    for (const connections of byNetwork.values()) for (const connection of connections) look(connection, nowMs);
  }, lookEveryMs).unref();
  server.once('close', () => clearInterval(looking));

  function look(connection: Connection, nowMs: number): void {
    const isSilent = connection.socket.bytesRead === 0 && nowMs - connection.idleSinceMs >= bounds.firstByteMs;
    if (isSilent) return close(connection, 'silent');
    for (const exchange of connection.exchanges) {
      if (!exchange.response.writableEnded) continue;
      exchange.readyMs ??= nowMs;
      if (nowMs - exchange.readyMs >= fetchWithinMs) return close(connection, 'unfetched');
    }
  }

  /** @returns false where every one of them is being answered. */
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
    // Not when the socket says so: the next one may come before that.
    forget(connection);
  }

  function forget(connection: Connection): void {
    const neighbours = byNetwork.get(connection.network);
    if (neighbours?.delete(connection) !== true) return;
    total--;
    if (neighbours.size === 0) byNetwork.delete(connection.network);
  }
}

/** Of those that wait for their client, to ask or to finish what it sends, the one that has waited longest. */
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
