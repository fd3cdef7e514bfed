import pg from 'pg';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { isTlsTrouble } from '../tls-settings.js';
import { applicationName } from './schema-floor.js';

/** Runs statements: a pool, or the client of a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;

/** Runs statements and begins transactions: a pool, or what stands in for one. */
export type Database = Pick<pg.Pool, 'query' | 'connect'>;

/** The client of an open transaction, for statements that only make sense inside one. */
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

/** No statement of the broker needs this long; one that does is waiting for a lock whose holder is stuck. */
const statementTimeoutMs = 15_000;
/**
 * Longer than the server's own limit, so that it fires only when no answer arrives at all: a network that drops
 * packets.
 */
const queryTimeoutMs = 20_000;
/** A transaction that waits for its client holds rows that others need. */
const idleInTransactionMs = 30_000;
/** For a new connection, and for a free one when all are in use. */
const connectTimeoutMs = 10_000;
/** Connections are replaced now and then, so that a changed address behind the host name is noticed. */
const maxLifetimeS = 1_800;

/** The connection options that the pool and the migrations share. */
export function connectionOptions(config: Omit<PostgresConfig, 'POSTGRES_POOL_SIZE'>): pg.ClientConfig {
  return {
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: config.POSTGRES_DB,
    user: config.POSTGRES_USER,
    ...(config.POSTGRES_PASSWORD === undefined ? {} : { password: config.POSTGRES_PASSWORD }),
    ssl: sslOptions(config),
    application_name: applicationName(),
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
 * Creates a pool whose `query` fails with `dependency_unavailable` when the database, not the statement, is at fault.
 * `onIdleError` is called when an idle connection breaks; the pool replaces it by itself.
 */
export function createPool(config: PostgresConfig, onIdleError: (error: Error) => void = () => undefined): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(config),
    max: config.POSTGRES_POOL_SIZE,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: maxLifetimeS,
    // Statements here take milliseconds. Compiling a long one to machine code takes seconds, and saves nothing.
    options: '-c jit=off',
    statement_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
  });
  // Without a listener, a connection closed by the server would crash the process.
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
 * Runs `work` in one READ COMMITTED transaction, which commits when `work` returns and rolls back when it throws.
 *
 * @throws BrokerError `dependency_unavailable` when the connection is lost. If it is lost during the commit, the
 *   outcome is unknown, so `work` must be safe to repeat.
 */
export function withTransaction<T>(pool: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return transaction(pool, 'begin', work);
}

/**
 * As `withTransaction`, for reads with a prepared statement that takes longer to plan than to run: it is planned once for
 * all values. By itself Postgres plans it for each value, because it does not count what planning really takes. Such a
 * statement must be fast with any value: the tests of statements run it this way, too.
 */
export function withPlansForAllValues<T>(pool: Database, read: (tx: Transaction) => Promise<T>): Promise<T> {
  return transaction(pool, 'begin read only; set local plan_cache_mode = force_generic_plan', read);
}

/** Longer than an ordinary transaction holds a row, and too short for other callers to notice. */
export const shortLockMs = 500;

/**
 * As `withTransaction`, for the rows of `count` callers. For several it fails when it waits longer than half a second for
 * a lock, so that one held row does not delay all. For one it waits as long as any statement.
 */
export function withShortLocks<T>(pool: Database, count: number, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return transaction(pool, count > 1 ? `begin; set local lock_timeout = ${shortLockMs}` : 'begin', work);
}

async function transaction<T>(pool: Database, begin: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw toDependencyError(error);
  }
  let broken: Error | undefined;
  // Called when the connection breaks between two statements; the next statement then fails by itself.
  const onError = (error: Error) => (broken = error);
  client.on('error', onError);
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    // If even this fails, the connection is closed and the server rolls back.
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
 * Transient SQLSTATEs: connection trouble (08), out of resources (53), the server going down or starting (57P0x), a
 * statement that took too long (57014), a lock not got (55P03), a deadlock or serialization victim (40), a primary that
 * became a standby (25006), an idle transaction that was ended (25P03).
 */
const passingStates = /^(08...|53...|57P0[1-4]|57014|55P03|40001|40P01|25006|25P03)$/;
/** The driver's transient errors that have no code. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|The server does not support SSL connections|There was an error establishing an SSL|Cannot use a pool after calling end|Connection ended)/;

/** Converts errors of the database itself to `dependency_unavailable` and returns all other errors unchanged. */
export function toDependencyError(error: unknown): unknown {
  // Either side may renew its certificates while processes run.
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

/** SQLSTATEs of a statement that took too long (57014) or did not get a lock (55P03). */
const heldUpStates = /^(57014|55P03)$/;
/** Transient SQLSTATEs that concern one statement, not the whole database: also serialization and deadlock victims. */
const ownStates = /^(57014|55P03|40001|40P01)$/;

/** The code behind a `dependency_unavailable`, empty if it has none; undefined for other errors. */
const stateOf = (error: unknown): string | undefined => {
  if (!(error instanceof BrokerError) || error.code !== 'dependency_unavailable') return undefined;
  const state = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof state === 'string' ? state : '';
};

/** Whether a statement took too long, most likely because somebody held a row. */
export function isHeldUp(error: unknown): boolean {
  return heldUpStates.test(stateOf(error) ?? '');
}

/** Whether an error means that no other statement would succeed either. */
export function isDatabaseAway(error: unknown): boolean {
  const state = stateOf(error);
  return state !== undefined && !ownStates.test(state);
}

/** Whether the database rejected a statement for its values (SQLSTATE class 22), so that a retry cannot succeed. */
export function isBadData(error: unknown): boolean {
  return badDataState(error) !== undefined;
}

/** The SQLSTATE of such a rejection. */
export function badDataState(error: unknown): string | undefined {
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  return code.startsWith('22') ? code : undefined;
}

/** The SQLSTATE of a unique violation, and the constraint it broke. */
export function violatedUnique(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError && error.code === '23505' ? (error.constraint ?? '') : undefined;
}

/** The type id, as a number like those the server sends. */
const int8: number = pg.types.builtins.INT8;

/**
 * Parses bigint to a number, and throws for a value that a number cannot represent. numeric stays text, because an
 * amount in base units has up to 78 digits. Statements that read prices cast them to float8.
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
