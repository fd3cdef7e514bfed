import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, type Connection } from '@temporalio/client';
import { printable } from '../../src/domain/outside.js';
import { ensureSearchAttributes } from '../../src/temporal/client.js';
import { searchAttributes } from '../../workflows/search-attributes.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf, type FlowJob } from '../support/flow-job.js';
import { until } from '../support/until.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow?.close());

/** What an operator sees of a job that has ended, without reading its history. */
async function shown(job: FlowJob) {
  await job.released();
  const { typedSearchAttributes: found } = await job.handle.describe();
  const { currentDetails } = await job.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return {
    status: found.get(searchAttributes.jobStatus),
    reason: found.get(searchAttributes.failureReason),
    details: currentDetails,
  };
}

test('a job that failed is told from a good one by its FailureReason and by its details', async () => {
  const failing = await startFlowJob(flow, { limits: { stuckGraceS: 1 } });
  await failing.asksFor('provisionJob');
  const message = printable('the image cannot be pulled')!;
  const words = printable('403 Forbidden from ghcr.io')!;
  await failing.podIs('pending', { stuck: { reason: 'image_pull_failed', message, words } });
  const good = await runningFlowJob(flow);
  await good.podIs('succeeded');

  expect(await shown(failing)).toMatchObject({ status: 'failed', reason: 'image_pull_failed' });
  expect((await shown(failing)).details).toMatch(/^\*\*failed\*\* since \S+: image_pull_failed: 403 Forbidden/);
  expect(await shown(good)).toMatchObject({ status: 'completed', reason: undefined });
  await flow.replay(workflowIdOf(failing), workflowIdOf(good));

  const { name } = searchAttributes.failureReason;
  const found = async () => {
    const ids: string[] = [];
    const query = `${name} is not null`;
    for await (const { workflowId } of flow.temporal.client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  };
  await until(async () => (await found()).includes(workflowIdOf(failing)), { name: 'the list has the failed job' });
  expect(await found()).not.toContain(workflowIdOf(good));
});

test('a job that its operator ended, or its provider left, keeps the reason, too', async () => {
  const drained = await runningFlowJob(flow);
  await drained.hearsOfDrain({ draining: true, until: new Date(0).toISOString() });
  expect(await shown(drained)).toMatchObject({ status: 'cancelled', reason: 'provider_drained' });
});

test('a site that has run an older version learns the attributes that are new, and keeps the others', async () => {
  const connection = flow.temporal.client.connection as Connection;
  const namespace = `test-${randomUUID()}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: (24 * 3_600) as never },
  });
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { JobStatus: 2, Theirs: 2 } });
    await ensureSearchAttributes(new Client({ connection, namespace }));
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const names = Object.values(searchAttributes).map(({ name }) => name);
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining([...names, 'Theirs']));
  } finally {
    await connection.operatorService.deleteNamespace({ namespace });
  }
});

test('a server on a SQL database has room for all attributes: ten keywords, and three of each other kind', () => {
  const types = Object.values(searchAttributes).map(({ type }) => type);
  expect(types.filter((type) => type === 'KEYWORD').length).toBeLessThanOrEqual(10);
  expect(types.filter((type) => type === 'DATETIME').length).toBeLessThanOrEqual(3);
});
