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
   * A connection that waits in blocking reads, and does nothing else: every command behind such a read would wait with
   * it. It survives any outage; a read that was under way is sent again.
   */
  blocking: boolean;
  /** Shown by `CLIENT LIST`. */
  name?: string;
  logger?: Logger;
  /** For tests, and for callers that must fail fast. */
  overrides?: {
    db?: number;
    maxRetriesPerRequest?: number | null;
    commandTimeout?: number;
    enableOfflineQueue?: boolean;
    /** False for a user who may not ask for what it reads (`INFO`). */
    enableReadyCheck?: boolean;
  };
}

/** How long a blocking read may wait; a stop waits no longer, and liveness is measured in these. */
export const blockMs = 2_000;

/** Where the server is and how to be let in; how a connection behaves is its own. */
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
    // An address is no name to ask for; it is compared with the certificate all the same.
    ...(isIP(REDIS_HOST) === 0 ? { servername: REDIS_HOST } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/**
 * A server that still reads its data refuses whatever it is asked. The command is sent again, over a new connection; who
 * may ask for `INFO` waits before that, but a replica that loads anew keeps its connections.
 */
export function reconnectOnError(error: Error): 2 | false {
  return error.message.startsWith('LOADING') ? 2 : false;
}

/**
 * Opens a connection. `blockingTimeout` with its grace is what makes a read on a frozen server return: without it a
 * promise may never settle. Commands fail after some seconds instead of waiting for ever, so that whoever waits for
 * them (a request, an activity) can say so.
 */
export function createRedis(config: RedisConfig, { blocking, name, logger, overrides = {} }: ConnectionKind): Redis {
  const redis: Redis = new Redis({
    ...serverOf(config),
    ...(name === undefined ? {} : { connectionName: name }),
    connectTimeout: 5_000,
    // A server that does not answer does not say goodbye either.
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
  // Without a listener an error of the connection would end the process. One line per outage, not per attempt.
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
 * Closes a connection in whatever state it is, and fails what waits for it. The driver's `disconnect` alone does nothing
 * for one that pauses before its next attempt: what is queued there would wait for an attempt that nobody makes.
 */
export function closeRedis(redis: Redis): void {
  if (redis.status === 'reconnecting') redis.connect().catch(() => undefined);
  redis.disconnect();
}
