import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createReconcilerRuns } from '../../src/temporal/reconciler-runs.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { createFlow, type Flow } from '../support/flow.js';
import { until } from '../support/until.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow?.close());

const nothing = async () => ({ repairs: {}, failures: [] });

async function run(workflowId: string): Promise<void> {
  const { client, config } = flow.temporal;
  await client.workflow.execute(workflowTypes.fleetReconciler, { workflowId, taskQueue: config.TEMPORAL_TASK_QUEUE });
}

test('the repairs and failures of the last hour are summed up, with those of new runs', async () => {
  const runs = createReconcilerRuns(flow.temporal.client);
  expect(await runs()).toEqual({ repairs: 0, failures: 0 });
  const steps = {
    compareWorkflows: async () => ({ ...(await nothing()), abandoned: [] }),
    compareLedger: async () => ({ repairs: { rented_differs: 2, allocation_leaked: 1 }, failures: ['one', 'two'] }),
    compareMoney: async () => ({ ...(await nothing()), booked: 0 }),
    comparePods: nothing,
    compareFunds: nothing,
    compareTenants: async () => ({ ...(await nothing()), namespacesRemoved: 0 }),
    compareNodes: nothing,
    resyncMining: async () => ({ synced: [], failures: [] }),
    tidy: async () => ({ joinTokens: 0, registrations: 0, delegations: 0, others: {}, failures: [] }),
    signReceipts: async () => ({ signed: 0 }),
  };
  flow.answers('', steps);
  const startedMs = Date.now();
  await run('fleet-reconciler-1');
  const first = await until(async () => {
    const found = await runs();
    return found.lastAt === undefined ? undefined : found;
  });
  expect(first).toMatchObject({ repairs: 3, failures: 2 });
  expect(Math.abs(first.lastAt!.getTime() - startedMs)).toBeLessThan(60_000);
  await run('fleet-reconciler-2');
  await until(async () => (await runs()).repairs === 6);
});
