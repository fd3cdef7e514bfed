import type { Client } from '@temporalio/client';
import type { Oversight } from '../api/oversight.js';
import { createReconcilerRuns } from './reconciler-runs.js';
import { createWaitingWorkflows } from './waiting-workflows.js';

/**
 * What operators ask of Temporal.
 *
 * @param client of the namespace of jobs and providers.
 * @param upkeep of that of the reconciler.
 */
export function createOversight(client: Client, upkeep: Client): Oversight {
  return { reconcilerRuns: createReconcilerRuns(upkeep), waiting: createWaitingWorkflows(client) };
}
