import type { Client } from '@temporalio/client';
import type { Oversight } from '../api/oversight.js';
import { createReconcilerRuns } from './reconciler-runs.js';
import { createWaitingWorkflows } from './waiting-workflows.js';

/** What operators ask of Temporal. */
export function createOversight(client: Client): Oversight {
  return { reconcilerRuns: createReconcilerRuns(client), waiting: createWaitingWorkflows(client) };
}
