import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { unlessNoWorkflow } from './failures.js';

/** How and when a workflow ended. */
export interface WorkflowEnd {
  how: Extract<WorkflowExecutionStatusName, 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TERMINATED' | 'TIMED_OUT'>;
  at: Date;
}

const ends: readonly string[] = [
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
] satisfies WorkflowEnd['how'][];

/**
 * What became of the newest run under an id, as of now: lists of workflows are some moments old, this is not. A run
 * that an operator paused counts as running.
 *
 * @returns undefined if the server knows of none, or no longer.
 */
export async function workflowFate(client: Client, workflowId: string): Promise<'goes_on' | WorkflowEnd | undefined> {
  const found = await unlessNoWorkflow(client.workflow.getHandle(workflowId).describe());
  if (found === undefined) return undefined;
  const { status, closeTime } = found;
  if (!ends.includes(status.name)) return 'goes_on';
  return { how: status.name as WorkflowEnd['how'], at: closeTime ?? new Date() };
}
