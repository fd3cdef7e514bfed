import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import { reportTo } from './foreign.js';

export type RedisConfig = Pick<
  Config,
  | 'REDIS_HOST'
  | 'REDIS_PORT'
  | 'REDIS_USERNAME'
  | 'REDIS_PASSWORD'
  | 'REDIS_TLS'
  | 'REDIS_TLS_CA'
  | 'REDIS_TLS_CERT'
  | 'REDIS_TLS_KEY'
>;

export interface ConnectionKind {
  /**
   * A connection for blocking reads only, since any other command would wait behind such a read. It survives any outage
   * and resends an interrupted read.
   */
  blocking: boolean;
  /** The name shown by `CLIENT LIST`. */
  name?: string;
  logger?: Logger;
  /** For tests, and for callers that must fail fast. */
  overrides?: {
    db?: number;
    maxRetriesPerRequest?: number | null;
    commandTimeout?: number;
    enableOfflineQueue?: boolean;
    /** False for a user whose ACL forbids `INFO`. */
    enableReadyCheck?: boolean;
  };
}

/** The longest blocking read. A stop waits no longer, and liveness is measured in multiples of it. */
export const blockMs = 2_000;

/** The server's address and credentials; a connection's behaviour is configured separately. */
export function serverOf(config: RedisConfig) {
  return {
    host: config.REDIS_HOST,
    port: config.REDIS_PORT,
    ...(config.REDIS_USERNAME === undefined ? {} : { username: config.REDIS_USERNAME }),
    ...(config.REDIS_PASSWORD === undefined ? {} : { password: config.REDIS_PASSWORD }),
    ...(config.REDIS_TLS ? { tls: tlsOf(config) } : {}),
  };
}

function tlsOf({ REDIS_HOST, REDIS_TLS_CA: ca, REDIS_TLS_CERT: cert, REDIS_TLS_KEY: key }: RedisConfig) {
  return {
    // An IP address cannot be sent as a server name, but it is still compared with the certificate.
    ...(isIP(REDIS_HOST) === 0 ? { servername: REDIS_HOST } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/**
 * A server that is still loading its data rejects every command. The command is resent over a new connection. Users who
 * may call `INFO` wait for the load, but a replica that reloads keeps its connections.
 */
export function reconnectOnError(error: Error): 2 | false {
  return error.message.startsWith('LOADING') ? 2 : false;
}

/**
 * Opens a connection. `blockingTimeout` with its grace makes a read on a frozen server return; otherwise its promise
 * might never settle. Commands fail after some seconds instead of waiting for ever, so that their callers (a request,
 * an activity) can report it.
 */
export function createRedis(config: RedisConfig, { blocking, name, logger, overrides = {} }: ConnectionKind): Redis {
  const redis: Redis = new Redis({
    ...serverOf(config),
    ...(name === undefined ? {} : { connectionName: name }),
    connectTimeout: 5_000,
    // An unresponsive server does not close the connection either.
    disconnectTimeout: 500,
    keepAlive: 30_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000) * (0.75 + Math.random() / 2),
    reconnectOnError,
    ...(blocking
      ? { maxRetriesPerRequest: null, blockingTimeout: 10_000, blockingTimeoutGrace: 2_000 }
      : { maxRetriesPerRequest: 3, commandTimeout: 10_000 }),
    ...overrides,
  });
  if (logger !== undefined) reportTo(redis, logger);
  // Without a listener, a connection error would crash the process. Log one line per outage, not per attempt.
  let reported = false;
  redis.on('ready', () => {
    if (reported) logger?.info({ connection: name }, 'Redis answers again');
    reported = false;
  });
  redis.on('error', (error: Error) => {
    if (!reported) logger?.warn({ err: error, connection: name }, 'Redis does not answer');
    reported = true;
  });
  return redis;
}

/**
 * Closes a connection in any state and fails its pending commands. The driver's `disconnect` alone has no effect while
 * the connection pauses between attempts: queued commands would wait for an attempt that never comes.
 */
export function closeRedis(redis: Redis): void {
  if (redis.status === 'reconnecting') redis.connect().catch(() => undefined);
  redis.disconnect();
}
