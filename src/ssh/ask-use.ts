import { connect } from 'node:net';
import ssh2 from 'ssh2';
import { maxUseBytes, readUse, type AskedMachine, type UseAnswer } from '../domain/job-use.js';
import { addressOf, algorithms, keyBytes, onExchangeAgain } from './look.js';
import type { ObserverKey } from './observer-key.js';

/** As in ssh-server/observer.go. */
const observerName = 'worldland';
const useSubsystem = 'worldland-use';

/** A machine on the other side of the world needs seven round trips, and its driver a second. */
const withinMs = 8_000;
/** The answer, and what SSH puts around it. */
const maxBytes = 2 * maxUseBytes;

export interface Asking {
  key: ObserverKey;
  /** Otherwise closed ranges that may be connected to. */
  opened: readonly string[];
  timeoutMs?: number;
}

/**
 * Asks a job's SSH server what the job uses. Its address is a stranger's, and whatever answers there may be hostile: the
 * host key is compared before anything is said, and time, bytes and what is computed are bounded. Never throws.
 */
export async function askMachine(
  { host, port, hostKey }: AskedMachine,
  { key, opened, timeoutMs = withinMs }: Asking,
): Promise<UseAnswer> {
  const address = await addressOf({ host, opened });
  if (typeof address !== 'string') return { kind: 'silent' };
  const expected = keyBytes(hostKey);
  const client = new ssh2.Client();
  const socket = connect({ host: address, port, noDelay: true });
  let late = () => undefined as void;
  const timer = setTimeout(() => late(), timeoutMs);
  try {
    return await new Promise<UseAnswer>((resolve) => {
      const silent = () => resolve({ kind: 'silent' });
      late = silent;
      socket.once('error', silent);
      socket.once('close', silent);
      // What exceeds the bound is not read any more.
      socket.on('data', () => {
        if (socket.bytesRead > maxBytes) resolve({ kind: 'unreadable' });
      });
      // Errors of a hostile server come in any number, and none may be unhandled.
      client.on('error', ({ level }: Error & { level?: string }) =>
        resolve({ kind: level === 'client-authentication' ? 'refused' : 'silent' }),
      );
      onExchangeAgain(client, () => resolve({ kind: 'unreadable' }));
      client.once('ready', () => ask(client, resolve));
      client.connect({
        ...{ sock: socket, username: observerName, privateKey: key.privateKey, algorithms, readyTimeout: 0 },
        authHandler: ['publickey'],
        hostVerifier: (shown: Buffer) => shown.equals(expected),
      });
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function ask(client: ssh2.Client, resolve: (answer: UseAnswer) => void): void {
  client.subsys(useSubsystem, (error, channel) => {
    if (error !== undefined) return resolve({ kind: 'refused' });
    const pieces: Buffer[] = [];
    let size = 0;
    channel.on('data', (piece: Buffer) => {
      pieces.push(piece);
      size += piece.length;
      if (size > maxUseBytes) resolve({ kind: 'unreadable' });
    });
    channel.on('error', () => resolve({ kind: 'silent' }));
    channel.once('close', () => {
      const use = size > maxUseBytes ? undefined : readUse(Buffer.concat(pieces).toString(), new Date());
      resolve(use === undefined ? { kind: 'unreadable' } : { kind: 'use', use });
    });
  });
}
