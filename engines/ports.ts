import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeAtomically } from './files.js';
import { LockHeld, takeLock } from './lock.js';

/**
 * Ports come from below the local cluster's NodePorts (20000 and up) and below the ephemeral ports, so an outgoing
 * connection cannot take an engine's port while the engine restarts.
 */
const [lowest, highest] = [10_240, 19_999] as const;

/** Whether a port is free, on loopback and on all addresses. */
export async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const free = await new Promise<boolean>((done) => {
      const server = createServer()
        .once('error', () => done(false))
        .listen({ port, host, exclusive: true }, () => server.close(() => done(true)));
    });
    if (!free) return false;
  }
  return true;
}

/** Locks of the ports that somebody's engines on this machine have, or will have once they listen. */
const reservations = join(tmpdir(), `worldland-broker-ports-${process.getuid?.() ?? 0}`);
/** The ports that this process has reserved: the file that each is for, and how it is given back. */
const reserved = new Map<number, { file: string; release: () => void }>();
process.once('exit', () => reserved.forEach(({ release }) => release()));

/**
 * Keeps a port that is free for the ports in `file`: of two stacks that start at the same time, both find it free, and
 * the engine of one would find it taken.
 */
function reserve(port: number, file: string): boolean {
  const holder = reserved.get(port);
  if (holder !== undefined) return holder.file === file;
  try {
    reserved.set(port, { file, release: takeLock(join(reservations, String(port))) });
    return true;
  } catch (error) {
    if (error instanceof LockHeld) return false;
    throw error;
  }
}

/**
 * The ports of a data folder: always the same ones while they are free, because certificates, kubeconfigs and other
 * people's notes contain them.
 */
export class Ports {
  private readonly remembered: Record<string, number>;
  private readonly given = new Map<string, number>();

  constructor(private readonly file: string) {
    this.remembered = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>) : {};
  }

  /** The port with that name, stored in the file. */
  async take(name: string): Promise<number> {
    const given = this.given.get(name);
    if (given !== undefined) return given;
    let port = this.remembered[name];
    const isTaken = async (candidate: number) =>
      [...this.given.values()].includes(candidate) || !(await isFree(candidate)) || !reserve(candidate, this.file);
    while (port === undefined || (await isTaken(port))) port = randomInt(lowest, highest + 1);
    this.given.set(name, port);
    this.remembered[name] = port;
    writeAtomically(this.file, `${JSON.stringify(this.remembered, null, 2)}\n`);
    return port;
  }

  /** Leaves the ports to others. The next stack on this data folder, in whichever process, gets them again if it can. */
  release(): void {
    for (const port of this.given.values()) {
      reserved.get(port)?.release();
      reserved.delete(port);
    }
    this.given.clear();
  }
}
