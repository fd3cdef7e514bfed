import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { printable } from '../../src/domain/outside.js';
import { createWaitingWorkflows } from '../../src/temporal/waiting-workflows.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf } from '../support/flow-job.js';
import { until } from '../support/until.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow?.close());

/** As it is seen this much later. */
const waitingOf = async (workflowId: string, laterMs = 120_000) => {
  const { workflows } = await createWaitingWorkflows(flow.temporal.client)(new Date(Date.now() + laterMs));
  return workflows.find((waiting) => waiting.workflowId === workflowId);
};

test('a job whose machine cannot pull the image says so, in the words of the kubelet', async () => {
  const job = await startFlowJob(flow, { limits: { stuckGraceS: 600 } });
  await job.becomes('provisioning');
  const words = printable('403 Forbidden from ghcr.io')!;
  await until(async () => {
    await job.podIs('pending', {
      stuck: { reason: 'image_pull_failed', message: printable('the image cannot be pulled')!, words },
    });
    return (await waitingOf(workflowIdOf(job)))?.waitsFor?.includes(words);
  });
  expect(await waitingOf(workflowIdOf(job))).toMatchObject({
    ...{ kind: 'job', id: job.order.jobId, state: 'provisioning', codeFails: false, isUnserved: false },
  });
  await job.cancel();
});

test('a job whose step fails again and again says which, how often and why', async () => {
  const job = await startFlowJob(flow, {
    steps: { provisionJob: () => Promise.reject(new Error('connect ECONNREFUSED\u001b[2J 10.0.0.1')) },
  });
  const waiting = await until(async () => {
    const found = await waitingOf(workflowIdOf(job));
    return (found?.attempts ?? 0) > 1 ? found : undefined;
  });
  expect(waiting).toMatchObject({ activity: 'provisionJob', lastError: 'connect ECONNREFUSED[2J 10.0.0.1' });
  await job.cancel();
});

test('a job that runs, and one that was ordered just now, are not listed', async () => {
  const running = await runningFlowJob(flow);
  const starting = await startFlowJob(flow);
  await starting.becomes('provisioning');
  // Temporal lists the younger of the two: so it knows the older one, too.
  await until(async () => await waitingOf(workflowIdOf(starting)));
  expect(await waitingOf(workflowIdOf(running))).toBeUndefined();
  expect(await waitingOf(workflowIdOf(starting), 0)).toBeUndefined();
  await Promise.all([running.cancel(), starting.cancel()]);
});
