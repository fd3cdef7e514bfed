import { z } from 'zod';
import { bool, certificates, flag, port, privateKey, whole } from './values.js';

export const redisVariables = {
  /** Host name or address of Redis. */
  REDIS_HOST: z.string().default('127.0.0.1'),
  /** Port of Redis. */
  REDIS_PORT: port(6379),
  /** User of the broker in Redis. Unset: the user `default`. */
  REDIS_USERNAME: z.string().optional(),
  /** Password of that user. Agents must have another one: anybody with this one can write join commands. */
  REDIS_PASSWORD: z.string().optional(),
  /** Whether to use TLS. Unset: yes if one of the next three is set. */
  REDIS_TLS: bool.optional(),
  /**
   * CA of the server's certificate, which must be valid for `REDIS_HOST`. Unset: the authorities that Node.js trusts.
   */
  REDIS_TLS_CA: certificates,
  /** The broker's certificate, for a server that asks for one: Redis does, unless it has `tls-auth-clients no`. */
  REDIS_TLS_CERT: certificates,
  /** The key of `REDIS_TLS_CERT`; both or neither. */
  REDIS_TLS_KEY: privateKey,
};

export const postgresVariables = {
  /** Host name or address of Postgres. */
  POSTGRES_HOST: z.string().default('127.0.0.1'),
  /** Port of Postgres. */
  POSTGRES_PORT: port(5432),
  /** Name of the database. It must exist; the broker creates and migrates its tables when it starts. */
  POSTGRES_DB: z.string().default('worldland'),
  /** User of the database. It needs the right to create tables, because the broker migrates the database itself. */
  POSTGRES_USER: z.string().default('postgres'),
  /** Password of that user. */
  POSTGRES_PASSWORD: z.string().optional(),
  /**
   * `require` encrypts, and trusts any server. `verify-full` also checks the CA of the server's certificate, and that
   * it is for `POSTGRES_HOST`. Unset: `verify-full` if one of the next three is set, otherwise `disable`.
   */
  POSTGRES_SSL_MODE: z.enum(['disable', 'require', 'verify-full']).optional(),
  /** CA of the server's certificate. Unset: the authorities that Node.js trusts. Only `verify-full` uses it. */
  POSTGRES_SSL_CA: certificates,
  /** The broker's certificate, if `pg_hba.conf` asks its user for one. */
  POSTGRES_SSL_CERT: certificates,
  /** The key of `POSTGRES_SSL_CERT`; both or neither. */
  POSTGRES_SSL_KEY: privateKey,
  /**
   * Connections of one process. The sum over all processes must stay below `max_connections` of the server, or some
   * cannot connect; with very few, requests wait for each other.
   */
  POSTGRES_POOL_SIZE: whole(16, 1, 200),
};

export const temporalVariables = {
  /** Host and port of Temporal's frontend. */
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  /** Namespace of the workflows of jobs, providers and settlements. It must exist. */
  TEMPORAL_NAMESPACE: z.string().default('default'),
  /**
   * Namespace of the workflows that do something every few seconds or minutes, so that they are not most of what the list
   * of the other one shows. Unset: `TEMPORAL_NAMESPACE` with `-upkeep` behind it. A worker makes it if it is missing and
   * Temporal lets it. With the name of `TEMPORAL_NAMESPACE` there is one namespace for all.
   */
  TEMPORAL_UPKEEP_NAMESPACE: z.string().optional(),
  /** Whether to use TLS. Unset: yes if one of the next five is set. */
  TEMPORAL_TLS: bool.optional(),
  /** CA of the server's certificate. Unset: the authorities that the system trusts. */
  TEMPORAL_TLS_CA: certificates,
  /** The broker's certificate, for a server that asks for one (mTLS). */
  TEMPORAL_TLS_CERT: certificates,
  /** The key of `TEMPORAL_TLS_CERT`; both or neither. */
  TEMPORAL_TLS_KEY: privateKey,
  /** The name in the server's certificate, if it differs from the host of `TEMPORAL_ADDRESS`. */
  TEMPORAL_TLS_SERVER_NAME: z.string().optional(),
  /** API key. Every call carries it, so it needs TLS. */
  TEMPORAL_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word of printable characters')
    .describe('one word of printable characters')
    .optional(),
  /** Task queue of all workflows and activities. All processes of an installation must name the same one. */
  TEMPORAL_TASK_QUEUE: z.string().default('broker'),
  /**
   * Whether Temporal distinguishes builds of the workflow code, so that a workflow never runs half in one build and
   * half in another. It needs a server of 1.28 or later. All workers of a task queue must agree: beside versioned
   * workers, unversioned ones get no work.
   */
  WORKER_VERSIONING: flag(true),
  /** Name of the worker deployment whose versions are the builds of this installation. */
  WORKER_DEPLOYMENT_NAME: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .describe('1 to 64 letters, digits, _ and -')
    .default('broker'),
  /** Version of the workflow code. Unset: a hash of the code, which is the same for all workers of one image. */
  BUILD_ID: z
    .string()
    .regex(/^[\w.-]{1,128}$/)
    .describe('1 to 128 letters, digits, _, . and -')
    .optional(),
  /**
   * Workflows that a worker keeps in memory between their steps, at a few hundred kilobytes each. Jobs and providers
   * mostly wait, for hours: when a workflow that is not cached continues, the worker replays its history, some fifty
   * events. Too high exhausts the memory; too low replays all the time.
   */
  WORKER_CACHED_WORKFLOWS: whole(300, 50, 100_000),
};
