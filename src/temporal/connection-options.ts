import { connect } from 'node:tls';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';

/** Where the server is, and how the two sides authenticate each other. */
export type TemporalConfig = Pick<Config, 'TEMPORAL_ADDRESS'> &
  Partial<
    Pick<
      Config,
      | 'TEMPORAL_TLS'
      | 'TEMPORAL_TLS_CA'
      | 'TEMPORAL_TLS_CERT'
      | 'TEMPORAL_TLS_KEY'
      | 'TEMPORAL_TLS_SERVER_NAME'
      | 'TEMPORAL_API_KEY'
    >
  >;

const handshakeMs = 5_000;
/** PERMISSION_DENIED and UNAUTHENTICATED of gRPC. */
const refusals: ReadonlySet<number> = new Set([7, 16]);

/** Options that the client's and the worker's connection share. */
export function temporalConnection(config: TemporalConfig) {
  const { TEMPORAL_TLS_CA: ca, TEMPORAL_TLS_CERT: cert, TEMPORAL_TLS_KEY: key } = config;
  const serverName = config.TEMPORAL_TLS_SERVER_NAME;
  const tls = {
    ...(ca === undefined ? {} : { serverRootCACertificate: Buffer.from(ca) }),
    ...(cert === undefined || key === undefined
      ? {}
      : { clientCertPair: { crt: Buffer.from(cert), key: Buffer.from(key) } }),
    ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
  };
  return {
    address: config.TEMPORAL_ADDRESS,
    ...(config.TEMPORAL_TLS === true ? { tls } : {}),
    ...(config.TEMPORAL_API_KEY === undefined ? {} : { apiKey: config.TEMPORAL_API_KEY }),
  };
}

/**
 * Explains a failed connection if TLS or our identity is the cause: for TLS, the client itself reports only a time-out.
 *
 * @returns the error to throw instead.
 */
export async function explained(config: TemporalConfig, error: unknown): Promise<unknown> {
  if (config.TEMPORAL_TLS !== true) return error;
  const { code, details } = (error as { cause?: { code?: unknown; details?: unknown } }).cause ?? {};
  if (typeof code === 'number' && refusals.has(code)) {
    return new Error(`Temporal does not let the broker in: ${String(details)}`, { cause: error });
  }
  const why = await handshakeTrouble(config);
  if (why === undefined) return error;
  return new BrokerError(
    'dependency_unavailable',
    `Temporal: no connection over TLS: ${why.message}`,
    {},
    { cause: why },
  );
}

/**
 * Makes a TLS handshake like the client's, and waits for the server's first bytes: the server rejects a client's
 * certificate only after the handshake.
 */
async function handshakeTrouble(config: TemporalConfig): Promise<Error | undefined> {
  const { hostname, port } = new URL(`tcp://${config.TEMPORAL_ADDRESS}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const { TEMPORAL_TLS_CA: ca, TEMPORAL_TLS_CERT: cert, TEMPORAL_TLS_KEY: key } = config;
  const serverName = config.TEMPORAL_TLS_SERVER_NAME;
  return await new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port) || 7233,
      ALPNProtocols: ['h2'],
      timeout: handshakeMs,
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    });
    const done = (why?: Error) => {
      socket.destroy();
      resolve(why);
    };
    socket.once('error', done);
    socket.once('data', () => done());
    socket.once('timeout', () => done());
    socket.once('close', () => done());
  });
}
