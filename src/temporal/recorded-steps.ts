import type { Client } from '@temporalio/client';
import { recordedSteps as query, type RecordedSteps } from '../../workflows/job-messages.js';
import { unlessNoWorkflow } from './failures.js';

/** An activity that a workflow ran to its end, and what it was given. */
export type RecordedStep = RecordedSteps['steps'][number];

/**
 * What a job's workflow wrote down: its newest run, and those before that it continues, as far as the server still has them.
 * It is asked, because histories do not hold what local activities were given.
 */
export async function recordedSteps(client: Client, workflowId: string): Promise<RecordedStep[]> {
  const runs: RecordedStep[][] = [];
  for (let runId: string | undefined, isNewest = true; isNewest || runId !== undefined; isNewest = false) {
    const run: RecordedSteps | undefined = await unlessNoWorkflow(
      client.workflow.getHandle(workflowId, runId).query(query),
    );
    runs.unshift(run?.steps ?? []);
    runId = run?.continues;
  }
  return runs.flat();
}
