import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeAtomically } from './files.js';

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
    while (port === undefined || [...this.given.values()].includes(port) || !(await isFree(port)))
      port = randomInt(lowest, highest + 1);
    this.given.set(name, port);
    this.remembered[name] = port;
    writeAtomically(this.file, `${JSON.stringify(this.remembered, null, 2)}\n`);
    return port;
  }
}
