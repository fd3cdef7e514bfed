import { setTimeout as sleep } from 'node:timers/promises';
import { Client, isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { ConfigError, type Config } from '../config.js';

/** How long a run can be looked at after its end. The server takes no less where namespaces span clusters. */
const retentionS = 24 * 3_600;
/** The server looks for new namespaces every some seconds, and knows nothing of them before. */
const knownWithinMs = 60_000;
const pollMs = 500;

/** gRPC codes. */
const [notFound, alreadyExists] = [5, 6];
/** INVALID_ARGUMENT (where names are given by somebody else), PERMISSION_DENIED, UNIMPLEMENTED. */
const refusals: readonly (number | undefined)[] = [3, 7, 12];
const permissionDenied = 7;

type Names = Pick<Config, 'TEMPORAL_UPKEEP_NAMESPACE'>;

/** The client of the periodic workflows, on the same connection: close only the one it was made of. */
export function upkeepClient(client: Client, { TEMPORAL_UPKEEP_NAMESPACE: namespace }: Names): Client {
  if (namespace === client.options.namespace) return client;
  return new Client({ connection: client.connection, namespace });
}

/** Whether the server knows of no such namespace. Most calls of the client have an error of their own for that. */
export function isNoNamespace(error: unknown): boolean {
  return error instanceof NamespaceNotFoundError || codeOf(error) === notFound;
}

/**
 * Makes sure that the namespace of the periodic workflows is there. Any number of workers may do this at the same time.
 *
 * @throws ConfigError if the server does not let the broker use it, or if it is missing and the server does not let the
 * broker make it.
 */
export async function ensureUpkeepNamespace(upkeep: Client): Promise<void> {
  if (await isKnown(upkeep)) return;
  const { namespace } = upkeep.options;
  try {
    await upkeep.workflowService.registerNamespace({
      namespace,
      description: 'what the broker does every few seconds or minutes',
      workflowExecutionRetentionPeriod: { seconds: retentionS as never },
    });
  } catch (error) {
    const code = codeOf(error);
    if (refusals.includes(code)) throw mayNotMake(namespace, error);
    if (code !== alreadyExists) throw error;
  }
  const until = Date.now() + knownWithinMs;
  while (!(await isKnown(upkeep)) && Date.now() < until) await sleep(pollMs);
}

/** Asks for a list, as every later call does: what the server has stored it may not know of yet. */
async function isKnown({ workflowService, options: { namespace } }: Client): Promise<boolean> {
  try {
    await workflowService.listWorkflowExecutions({ namespace, pageSize: 1 });
    return true;
  } catch (error) {
    if (isNoNamespace(error)) return false;
    // With an authorizer it does not say whether there is one: only those with rights to a namespace may know.
    if (codeOf(error) === permissionDenied) throw mayNotUse(namespace, error);
    throw error;
  }
}

const mayNotMake = (namespace: string, cause: unknown) =>
  refusal(`Temporal has no namespace ${namespace}, and does not let the broker make it. Make it`, namespace, cause);

const mayNotUse = (namespace: string, cause: unknown) =>
  refusal(
    `Temporal does not let the broker use the namespace ${namespace}. Give it that right, and if the namespace is missing, make it`,
    namespace,
    cause,
  );

function refusal(what: string, namespace: string, cause: unknown): ConfigError {
  const make = `temporal operator namespace create --namespace ${namespace} --retention 24h`;
  return new ConfigError(`TEMPORAL_UPKEEP_NAMESPACE: ${what} (${make}), or name the one of TEMPORAL_NAMESPACE here`, {
    cause,
  });
}

function codeOf(error: unknown): number | undefined {
  const said: unknown = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  return isGrpcServiceError(said) ? Number(said.code) : undefined;
}
