import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { instantAt, sentence } from '../../src/domain/outside.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { testOrder } from '../support/fleet.js';
import { createFlow, type Flow, type Steps } from '../support/flow.js';
import { comparisons, nothing } from '../support/flow-reconciler.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow.close());

async function reconcile(steps: Steps): Promise<ReconcilerReport> {
  flow.answers('', comparisons(steps));
  const workflowId = `reconciler-${randomUUID()}`;
  const taskQueue = flow.config.TEMPORAL_TASK_QUEUE;
  const report = await flow.temporal.client.workflow.execute<() => Promise<ReconcilerReport>>(
    workflowTypes.fleetReconciler,
    { workflowId, taskQueue },
  );
  await flow.replay(workflowId);
  return report;
}

test('repairs of one kind add up over the comparisons, and tidied rows are counted apart', async () => {
  const report = await reconcile({
    compareLedger: () => Promise.resolve({ repairs: { counters_corrected: 2 } as never, failures: ['one of them'] }),
    compareNodes: () => Promise.resolve({ repairs: { counters_corrected: 3 } as never, failures: [] }),
    compareTenants: () => Promise.resolve({ ...nothing, namespacesRemoved: 4 }),
    resyncMining: () => Promise.resolve({ synced: ['a', 'b'], failures: [] }),
    tidy: () =>
      Promise.resolve({ joinTokens: 5, registrations: 6, delegations: 7, others: { sessions: 8 }, failures: [] }),
  });
  expect(report).toEqual({
    repairs: { counters_corrected: 5 },
    failures: ['one of them'],
    tidied: { namespaces: 4, joinTokens: 5, registrations: 6, delegations: 7 },
    mining: 2,
  });
});

test('a job that no workflow looks after is ended, and counts as one repair', async () => {
  const order = testOrder();
  const job = { order, message: sentence('nobody looks after it'), servedUntil: instantAt(Date.now()) };
  flow.answers(order.jobId, {
    endAbandonedJob: () => Promise.resolve({ repairs: { job_abandoned: 1 }, failures: [] }),
  });
  const report = await reconcile({ compareWorkflows: () => Promise.resolve({ ...nothing, abandoned: [job] }) });
  expect(report.repairs).toEqual({ job_abandoned: 1 });
  expect(flow.asked(order.jobId)).toMatchObject([{ step: 'endAbandonedJob', args: [job] }]);
});

test('a comparison that fails twice is reported in at most 200 characters, and the others are made', async () => {
  const made: string[] = [];
  const report = await reconcile({
    comparePods: () => Promise.reject(new Error('x'.repeat(500))),
    compareNodes: () => Promise.resolve(nothing).finally(() => made.push('compareNodes')),
  });
  expect(report.failures).toEqual([`pods: ${'x'.repeat(200)}`]);
  expect(made).toEqual(['compareNodes']);
});
