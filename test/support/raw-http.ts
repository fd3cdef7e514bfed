import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which a test decides every byte. */
export interface RawConnection {
  socket: Socket;
  /** Everything received so far. */
  received(): string;
  isOpen(): boolean;
  /** Resolves once the other side has closed or `withinMs` is over; returns the milliseconds it took. */
  closed(withinMs: number): Promise<number | undefined>;
}

/** @param from the local address of the connection; every address in 127.0.0.0/8 is this machine's. */
export async function rawConnection(port: number, from = '127.0.0.1'): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  const chunks: Buffer[] = [];
  const begunMs = performance.now();
  let closedMs: number | undefined;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.on('close', () => (closedMs = performance.now()));
  await once(socket, 'connect');
  return {
    socket,
    received: () => Buffer.concat(chunks).toString(),
    isOpen: () => closedMs === undefined,
    async closed(withinMs) {
      if (closedMs === undefined) {
        await Promise.race([once(socket, 'close'), new Promise((done) => setTimeout(done, withinMs).unref())]);
      }
      return closedMs === undefined ? undefined : closedMs - begunMs;
    },
  };
}

/** Sends one request byte by byte as given, and returns the response once the other side has closed. */
export async function exchange(port: number, text: string, from?: string, withinMs = 5_000): Promise<string> {
  const connection = await rawConnection(port, from);
  connection.socket.write(text);
  await connection.closed(withinMs);
  connection.socket.destroy();
  return connection.received();
}
