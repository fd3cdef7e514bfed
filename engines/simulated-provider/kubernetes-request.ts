import { Agent, request } from 'node:https';

/** How an API server is reached, and as whom. */
export interface Access {
  server: string;
  /** PEM; undefined trusts anybody, which is for discovery alone. */
  ca?: string;
  token?: string;
  /** PEM. */
  certificate?: string;
  key?: string;
  /** Kept connections; a fleet of simulated machines would open too many otherwise. */
  agent?: Agent;
}

/** The API server refused. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Connections that belong to one identity. */
export function keptConnections(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 2, timeout: 30_000 });
}

/**
 * One request to an API server, JSON in and out. The Kubernetes client of the broker is not used: a machine is no part
 * of the broker, and hundreds of them have to fit into one process.
 *
 * @throws Refused with the server's status; Error when it cannot be reached.
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
            reject(new Refused(status, parsed.reason ?? '', `${method} ${path}: ${status} ${parsed.message ?? text}`));
        });
      },
    );
    // A connection that breaks may say so twice, and an error that nobody hears ends the process.
    outgoing
      .on('error', reject)
      .once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer in time`)));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** An answer, or the Status that says why there is none. */
function parse(text: string): { reason?: string; message?: string } {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    return {};
  }
}
