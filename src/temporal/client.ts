import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  type ConnectionOptions,
} from '@temporalio/client';
import type { Config } from '../config.js';
import { searchAttributes } from '../../workflows/search-attributes.js';
import { explained, temporalConnection, type TemporalConfig } from './connection-options.js';
import { isTooManyUpdates } from './refusals.js';

/**
 * The time limit of one call with all its attempts, if the caller sets no deadline. The server ends its own waits (for
 * an update, for the end of a workflow) after at most 20 s, and the client then asks again.
 */
const callWithinMs = 30_000;

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

/** Without a deadline, a call never ends if the server takes connections and does not answer. */
const withDeadline: Interceptor = (options, nextCall) =>
  nextCall({ ...options, deadline: options.deadline ?? Date.now() + callWithinMs }) as ReturnType<Interceptor>;

/**
 * The client's own retries, except after one refusal: if a workflow has all the updates it may have, retries only add
 * to them, and the caller's deadline would run out before the caller learns why.
 */
function retries(): Interceptor {
  const { delayFunction, retryableDecider } = defaultGrpcRetryOptions();
  return makeGrpcRetryInterceptor({
    delayFunction,
    retryableDecider: (attempt, status) => !isTooManyUpdates(status) && retryableDecider(attempt, status),
  });
}

/** Opens the connection of one process; close it with `client.connection.close()`. */
export async function connectTemporal(config: TemporalConfig & Pick<Config, 'TEMPORAL_NAMESPACE'>): Promise<Client> {
  const connection = await Connection.connect({
    ...temporalConnection(config),
    connectTimeout: '10s',
    interceptors: [withDeadline, retries()],
    // By default, the client may wait up to two minutes before it tries a server again that was down for as long.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2_000 },
  }).catch(async (error: unknown) => {
    throw await explained(config, error);
  });
  return new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
}

/** Rejects unless the server responds. */
export async function checkTemporal(client: Client): Promise<void> {
  await client.connection.workflowService.getSystemInfo({});
}

/** The server API's numbers for the types that are used here (`temporal.api.enums.v1.IndexedValueType`). */
const indexedValueType = { KEYWORD: 2, DATETIME: 6 } as const;

/**
 * Makes sure that the server knows our search attributes; it refuses to start a workflow with an unknown one. Adding an
 * attribute that exists changes nothing.
 */
export async function ensureSearchAttributes(client: Client): Promise<void> {
  const connection = client.connection as Connection;
  const namespace = client.options.namespace;
  const known = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(searchAttributes).filter(({ name }) => !(name in (known.customAttributes ?? {})));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedValueType[type]])),
  });
}
