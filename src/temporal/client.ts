import { Client, Connection } from '@temporalio/client';
import type { Config } from '../config.js';
import { searchAttributes } from '../../workflows/messages.js';

/** Opens the connection of one process; close it with `client.connection.close()`. */
export async function connectTemporal(
  config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>,
): Promise<Client> {
  const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS, connectTimeout: '10s' });
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
