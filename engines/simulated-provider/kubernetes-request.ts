import { Agent, request } from 'node:https';

/** The address of an API server, and the identity to use. */
export interface Access {
  server: string;
  /** In PEM; undefined trusts any server, which is only for discovery. */
  ca?: string;
  token?: string;
  /** PEM. */
  certificate?: string;
  key?: string;
  /** Kept connections; otherwise a fleet of simulated machines would open too many. */
  agent?: Agent;
}

/** The API server denied the request. */
export class Denied extends Error {
  override readonly name = 'Denied';
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** The connections of one identity. */
export function keptConnections(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 2, timeout: 30_000 });
}

/**
 * Sends one request to an API server, JSON in and out. It does not use the broker's Kubernetes client: a machine is not
 * part of the broker, and hundreds of them must fit into one process.
 *
 * @throws Denied with the server's status; Error when it cannot be reached.
 */
export async function ask<T>(
  access: Access,
  method: string,
  path: string,
  body?: object,
  contentType = 'application/json',
): Promise<T> {
  const { server, ca, token, certificate, key, agent } = access;
  return new Promise<T>((resolve, reject) => {
    const outgoing = request(
      new URL(path, server),
      {
        method,
        timeout: 15_000,
        agent: agent ?? false,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
        ...(certificate === undefined ? {} : { cert: certificate, key }),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': contentType }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject).once('end', () => {
          const status = response.statusCode ?? 0;
          const parsed = parse(text);
          if (status < 300) resolve(parsed as T);
          else
            reject(new Denied(status, parsed.reason ?? '', `${method} ${path}: ${status} ${parsed.message ?? text}`));
        });
      },
    );
    // A broken connection may emit two errors, and an unhandled one ends the process.
    outgoing
      .on('error', reject)
      .once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer in time`)));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A response, or the Status that explains its absence. */
function parse(text: string): { reason?: string; message?: string } {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    return {};
  }
}
