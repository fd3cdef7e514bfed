import type { Client } from '@temporalio/client';
import type { ReconcilerRuns } from '../api/oversight.js';
import { sideBySide } from '../side-by-side.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { asBrokerError } from './failures.js';
import { isNoNamespace } from './upkeep.js';

const hourMs = 3_600_000;
/** One a minute, and those that an operator starts. */
const runsAtMost = 100;
const readsAtOnce = 10;
const withinMs = 8_000;

/**
 * Sums up what the reconciler reported in the last hour. A report never changes, so each is read once; a run that did
 * not complete counts as one failure. Before the first worker of a site there are none.
 */
export function createReconcilerRuns(client: Client): () => Promise<ReconcilerRuns> {
  /** Repairs and failures, by run. */
  let known = new Map<string, { repairs: number; failures: number }>();

  async function read(): Promise<ReconcilerRuns> {
    const since = new Date(Date.now() - hourMs).toISOString();
    const query = `WorkflowType = '${workflowTypes.fleetReconciler}' and ExecutionStatus != 'Running' and CloseTime > '${since}'`;
    const runs: { workflowId: string; runId: string; isComplete: boolean; closedAt: Date }[] = [];
    for await (const run of client.workflow.list({ query, pageSize: runsAtMost })) {
      const { workflowId, runId, status, closeTime } = run;
      runs.push({ workflowId, runId, isComplete: status.name === 'COMPLETED', closedAt: closeTime ?? new Date() });
      if (runs.length === runsAtMost) break;
    }
    const found = new Map(runs.flatMap(({ runId }) => (known.has(runId) ? [[runId, known.get(runId)!]] : [])));
    const unread = runs.filter(({ runId }) => !found.has(runId));
    const failed = await sideBySide(unread, readsAtOnce, async ({ workflowId, runId, isComplete }) => {
      found.set(runId, isComplete ? await figuresOf(workflowId, runId) : { repairs: 0, failures: 1 });
    });
    known = found;
    if (failed.length > 0) throw failed[0]!.error;
    const figures = [...found.values()];
    const last = Math.max(...runs.map(({ closedAt }) => closedAt.getTime()));
    return {
      ...(runs.length === 0 ? {} : { lastAt: new Date(last) }),
      repairs: figures.reduce((sum, { repairs }) => sum + repairs, 0),
      failures: figures.reduce((sum, { failures }) => sum + failures, 0),
    };
  }

  async function figuresOf(workflowId: string, runId: string): Promise<{ repairs: number; failures: number }> {
    const report = (await client.workflow.getHandle(workflowId, runId).result()) as ReconcilerReport;
    const repairs = Object.values(report.repairs).reduce((sum: number, count) => sum + (count ?? 0), 0);
    return { repairs, failures: report.failures.length };
  }

  return async () => {
    try {
      return await client.withDeadline(Date.now() + withinMs, read);
    } catch (error) {
      if (isNoNamespace(error)) return { repairs: 0, failures: 0 };
      throw asBrokerError(error, 'provider_orders');
    }
  };
}
