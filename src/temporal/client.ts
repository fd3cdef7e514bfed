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
 * How long one call may take, with all its attempts, where the caller names no deadline of its own. The server ends its
 * own waits (for an update, for the end of a workflow) after 20 s at the latest and is asked again.
 */
const callWithinMs = 30_000;

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

/** Without a deadline, a call to a server that takes connections and answers nothing never ends. */
const withDeadline: Interceptor = (options, nextCall) =>
  nextCall({ ...options, deadline: options.deadline ?? Date.now() + callWithinMs }) as ReturnType<Interceptor>;

/**
 * The client's own attempts, but for one refusal: a workflow that has all the updates it may have is not helped by more
 * of them, and the caller, whose deadline would run out meanwhile, would never learn why.
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
    // Left to itself, the client waits up to two minutes before it tries a server again that was away for as long.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 2_000 },
  }).catch(async (error: unknown) => {
    throw await explained(config, error);
  });
  return new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
}

/** Rejects unless the server answers. */
export async function checkTemporal(client: Client): Promise<void> {
  await client.connection.workflowService.getSystemInfo({});
}

/** Numbers of the server's API for the types we use (`temporal.api.enums.v1.IndexedValueType`). */
const indexedValueType = { KEYWORD: 2, DATETIME: 6 } as const;

/**
 * Makes sure that the server knows our search attributes; a workflow that starts with an unknown one is refused.
 * Adding one that exists changes nothing.
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
