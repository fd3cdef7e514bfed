import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defaultPayloadConverter, toPayloads } from '@temporalio/common';

/** A signal for one workflow. Only the functions of signals.ts create one, each from the signal's definition. */
export interface Signal {
  readonly workflowId: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** gRPC 5. */
const notFound = 5;

/**
 * Sends a signal that may be repeated any number of times: a repeat adds nothing to the workflow's history. The
 * client's own `signal` makes a new id for every call.
 *
 * @param requestId the same id makes two calls one signal.
 * @returns when the server has stored the signal.
 * @throws WorkflowNotFoundError if no such workflow runs.
 */
export async function signalOnce(client: Client, signal: Signal, requestId: string): Promise<void> {
  const { workflowId, name, args } = signal;
  const { namespace, identity } = client.options;
  try {
    await client.workflowService.signalWorkflowExecution({
      namespace,
      ...(identity === undefined ? {} : { identity }),
      workflowExecution: { workflowId },
      signalName: name,
      input: { payloads: toPayloads(defaultPayloadConverter, ...args) ?? [] },
      requestId,
    });
  } catch (error) {
    if (isGrpcServiceError(error) && Number(error.code) === notFound) {
      throw new WorkflowNotFoundError(error.details, workflowId, undefined);
    }
    throw error;
  }
}
