import pg from 'pg';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { isTlsTrouble } from '../tls-settings.js';

/** What a statement needs: a pool, or the client of a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;

/** The client of an open transaction. Statements that only make sense inside one ask for this type. */
export type Transaction = pg.PoolClient;

export type PostgresConfig = Pick<
  Config,
  | 'POSTGRES_HOST'
  | 'POSTGRES_PORT'
  | 'POSTGRES_DB'
  | 'POSTGRES_USER'
  | 'POSTGRES_PASSWORD'
  | 'POSTGRES_SSL_MODE'
  | 'POSTGRES_SSL_CA'
  | 'POSTGRES_SSL_CERT'
  | 'POSTGRES_SSL_KEY'
  | 'POSTGRES_POOL_SIZE'
>;

/** Longer than any statement of ours needs; what takes longer waits for a lock that somebody lost. */
const statementTimeoutMs = 15_000;
/** After the server's own limit, so that it fires only where no answer comes at all: a network that drops packets. */
const queryTimeoutMs = 20_000;
/** A transaction that waits for its client holds rows that others need. */
const idleInTransactionMs = 30_000;
/** For a new connection, and for a free one when all are taken. */
const connectTimeoutMs = 10_000;
/** Connections are made anew now and then, so that a changed address behind the host name is found. */
const maxLifetimeS = 1_800;

/** How one connection is made; what the pool and the migrations share. */
export function connectionOptions(config: Omit<PostgresConfig, 'POSTGRES_POOL_SIZE'>): pg.ClientConfig {
  return {
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: config.POSTGRES_DB,
    user: config.POSTGRES_USER,
    ...(config.POSTGRES_PASSWORD === undefined ? {} : { password: config.POSTGRES_PASSWORD }),
    ssl: sslOptions(config),
    application_name: 'worldland-broker',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  };
}

function sslOptions(config: Omit<PostgresConfig, 'POSTGRES_POOL_SIZE'>): pg.ClientConfig['ssl'] {
  const { POSTGRES_SSL_MODE: mode, POSTGRES_SSL_CA: ca, POSTGRES_SSL_CERT: cert, POSTGRES_SSL_KEY: key } = config;
  if (mode === 'disable') return false;
  return {
    rejectUnauthorized: mode === 'verify-full',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/**
 * A pool whose `query` fails with `dependency_unavailable` when the database, and not the statement, is the trouble.
 * `onIdleError` hears of connections that break while nobody uses them; the pool replaces them by itself.
 */
export function createPool(config: PostgresConfig, onIdleError: (error: Error) => void = () => undefined): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(config),
    max: config.POSTGRES_POOL_SIZE,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: maxLifetimeS,
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
  });
  // Without a listener a connection that the server closes would end the process.
  pool.on('error', onIdleError);
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<pg.QueryResult>;
  pool.query = async (...args: unknown[]) => {
    try {
      return await query(...args);
    } catch (error) {
      throw toDependencyError(error);
    }
  };
  return pool;
}

/**
 * Runs `work` in one READ COMMITTED transaction: committed when it returns, undone when it throws.
 *
 * @throws BrokerError `dependency_unavailable` when the connection was lost. Where that hit the commit itself nobody
 * knows whether it took place: `work` has to be safe to repeat.
 */
export async function withTransaction<T>(pool: pg.Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw toDependencyError(error);
  }
  let broken: Error | undefined;
  // A connection that breaks between two statements says so here; the next statement fails by itself.
  const onError = (error: Error) => (broken = error);
  client.on('error', onError);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection on which not even this works is closed, and the server undoes what was open.
    await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw toDependencyError(error);
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/**
 * SQLSTATEs that pass: connection trouble (08), out of resources (53), the server going down or starting (57P0x), a
 * statement that took too long (57014), a lock not got (55P03), a deadlock or serialization victim (40), a primary that
 * became a standby (25006), an idle transaction that was ended (25P03).
 */
const passingStates = /^(08...|53...|57P0[1-4]|57014|55P03|40001|40P01|25006|25P03)$/;
/** What the driver says without a code. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|The server does not support SSL connections|There was an error establishing an SSL|Cannot use a pool after calling end|Connection ended)/;

/** Turns trouble of the database into `dependency_unavailable`; any other error comes back as it is. */
export function toDependencyError(error: unknown): unknown {
  // Certificates are renewed, on either side, while processes run.
  if (isTlsTrouble(error)) {
    const detail = `the database and the broker do not trust each other: ${(error as Error).message}`;
    return new BrokerError('dependency_unavailable', detail, {}, { cause: error });
  }
  if (!(error instanceof Error) || error instanceof BrokerError) return error;
  const code = (error as { code?: unknown }).code;
  const passes =
    typeof code === 'string'
      ? connectionCodes.has(code) || passingStates.test(code)
      : driverMessages.test(error.message);
  if (!passes) return error;
  return new BrokerError('dependency_unavailable', 'the database is not answering', {}, { cause: error });
}

/** Whether the database refused a statement for the values in it (SQLSTATE class 22), which no repeat will change. */
export function isBadData(error: unknown): boolean {
  return badDataState(error) !== undefined;
}

/** The SQLSTATE by which it did so. */
export function badDataState(error: unknown): string | undefined {
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  return code.startsWith('22') ? code : undefined;
}

/** The SQLSTATE of a unique violation, and the constraint it broke. */
export function violatedUnique(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError && error.code === '23505' ? (error.constraint ?? '') : undefined;
}

/** The driver compares its own numbers with those that the server sends. */
const int8: number = pg.types.builtins.INT8;

/**
 * bigint becomes a number, and a value that a number cannot hold becomes an error rather than another value. numeric
 * stays text: an amount in base units has up to 78 digits. Prices are cast to float8 in the statements that read them.
 */
function getTypeParser(oid: number, format?: string): (value: string) => unknown {
  if (oid === int8 && format !== 'binary') return wholeNumber;
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit a number`);
  return value;
}
