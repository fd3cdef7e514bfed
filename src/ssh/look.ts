import { promises as dns } from 'node:dns';
import { connect, isIP } from 'node:net';
import ssh2 from 'ssh2';
import { whyUnreachable } from '../closed-addresses.js';

/** What answered at a job's SSH port. */
export type Look =
  /** The job's own server: it has proved that it has the key. */
  | { kind: 'own_key' }
  /** Something answers SSH with another key. */
  | { kind: 'other_key' }
  /** The broker does not connect to this address at all; another look would say the same. */
  | { kind: 'closed'; why: string }
  /** Nothing that speaks SSH answered in time. */
  | { kind: 'silent'; why: string };

export interface LookTarget {
  host: string;
  port: number;
  /** The public key of the job, `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** What the client calls itself; the job's own server knows by it that the broker looks. */
  ident: string;
  /** Otherwise closed ranges that may be connected to. */
  opened: readonly string[];
  timeoutMs: number;
  signal?: AbortSignal;
}

/** A key exchange takes 3 KB. Whoever sends more wants to be listened to for ever. */
const maxBytes = 32 * 1024;

/**
 * Only what the server of jobs speaks: with an exchange of groups, a hostile server would choose how long the broker
 * computes. Every other server is another one than the job's, and need not be understood.
 */
export const algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org'],
  serverHostKey: ['ssh-ed25519'],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'],
  compress: ['none'],
} satisfies ssh2.Algorithms;

/** How long the name server may take for one question, and how often it is asked. */
const resolver = new dns.Resolver({ timeout: 1_000, tries: 1 });

/**
 * Connects to an SSH port, lets the server prove its key, and hangs up before any login. The address and whatever
 * answers there are a stranger's: time, bytes and what is computed are bounded, and closed addresses are left alone.
 * Never throws.
 */
export async function lookAt(target: LookTarget): Promise<Look> {
  const address = await addressOf(target);
  return typeof address === 'string' ? await askFor(address, target) : address;
}

/** What a name means is what is connected to: it could mean something else at the next question. */
export async function addressOf({ host, opened }: Pick<LookTarget, 'host' | 'opened'>): Promise<string | Look> {
  const isAddress = isIP(host) !== 0;
  const whyNot = whyUnreachable(host, opened);
  if (whyNot !== undefined) return { kind: 'closed', why: whyNot };
  if (isAddress) return host;
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const open = found.find((address) => whyUnreachable(address, opened) === undefined);
  if (open !== undefined) return open;
  const [first] = found;
  if (first === undefined) return { kind: 'silent', why: 'its name has no address' };
  return { kind: 'closed', why: whyUnreachable(first, opened) ?? '' };
}

/** The bytes of `ssh-ed25519 AAAA…`, as a server shows them. */
export function keyBytes(publicKey: string): Buffer {
  return Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
}

/**
 * Calls back when a server has had keys exchanged a second time. None of ours does before a gigabyte, and whoever has it
 * done again and again chooses how long the broker computes.
 */
export function onExchangeAgain(client: ssh2.Client, again: () => void): void {
  client.once('handshake', () => client.on('handshake', again));
}

async function askFor(address: string, { port, hostKey, ident, timeoutMs, signal }: LookTarget): Promise<Look> {
  const expected = keyBytes(hostKey);
  const client = new ssh2.Client();
  const socket = connect({ host: address, port, noDelay: true });
  let connected = false;
  let late = () => undefined as void;
  const timer = setTimeout(() => late(), timeoutMs);
  try {
    return await new Promise<Look>((resolve) => {
      const silent = (why: string) => resolve({ kind: 'silent', why });
      late = () => silent(connected ? 'it does not speak SSH in time' : 'nothing answers there');
      signal?.addEventListener('abort', late, { once: true });
      if (signal?.aborted === true) late();
      socket.once('connect', () => (connected = true));
      socket.once('error', (error: NodeJS.ErrnoException) => silent(whyOf(error)));
      socket.on('close', () => silent(hungUp));
      // Errors of a hostile server come in any number, and none may be unhandled.
      client.on('error', (error: Error & { level?: string }) => {
        if (error.level !== 'client-socket')
          silent(socket.bytesRead === 0 ? hungUp : 'it does not speak SSH as jobs do');
      });
      onExchangeAgain(client, () => silent('it does not speak SSH as jobs do'));
      client.connect({
        ...{ sock: socket, username: 'nobody', ident, algorithms, readyTimeout: 0 },
        hostVerifier: (key: Buffer) => {
          if (key.equals(expected)) return true;
          resolve({ kind: 'other_key' });
          return false;
        },
        // Asked for once the server has proved the key and takes a login, which never comes.
        authHandler: () => {
          resolve({ kind: 'own_key' });
        },
      });
      // What exceeds the bound is not read any more.
      socket.on('data', () => {
        if (socket.bytesRead > maxBytes) silent('it sends too much before it speaks SSH');
      });
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', late);
    socket.destroy();
  }
}

const hungUp = 'it hangs up at once';
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ECONNRESET: hungUp,
  ETIMEDOUT: 'nothing answers there',
};

function whyOf({ code = '' }: NodeJS.ErrnoException): string {
  return reasons[code] ?? 'it cannot be connected to';
}
