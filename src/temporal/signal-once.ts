import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defaultPayloadConverter, toPayloads } from '@temporalio/common';

/** A signal that has its effect once, however often it is sent. */
export interface OnceSignal {
  workflowId: string;
  name: string;
  payload: unknown;
  /** What makes two sendings one: the server drops one with an id that this run of the workflow has had. */
  requestId: string;
}

/** gRPC 5. */
const notFound = 5;

/**
 * Sends a signal that may be repeated without end: a repeat adds nothing to the workflow's history. The client's own
 * `signal` makes a new id for every call.
 *
 * @returns when the server has written it down.
 * @throws WorkflowNotFoundError when no such workflow runs.
 */
export async function signalOnce(client: Client, { workflowId, name, payload, requestId }: OnceSignal): Promise<void> {
  const { namespace, identity } = client.options;
  try {
    await client.workflowService.signalWorkflowExecution({
      namespace,
      ...(identity === undefined ? {} : { identity }),
      workflowExecution: { workflowId },
      signalName: name,
      input: { payloads: toPayloads(defaultPayloadConverter, payload) ?? [] },
      requestId,
    });
  } catch (error) {
    if (isGrpcServiceError(error) && Number(error.code) === notFound) {
      throw new WorkflowNotFoundError(error.details, workflowId, undefined);
    }
    throw error;
  }
}
