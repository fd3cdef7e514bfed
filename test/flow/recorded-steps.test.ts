import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recordedSteps } from '../../src/temporal/recorded-steps.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, workflowIdOf } from '../support/flow-job.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow.close());

test('a workflow tells what it wrote down of its job, while it runs and after its end', async () => {
  const job = await runningFlowJob(flow);
  await job.extend('one', 60);
  const told = async () =>
    (await recordedSteps(flow.temporal.client, workflowIdOf(job))).map(({ step, args }) => [step, args]);
  const asked = (...steps: Parameters<typeof job.asked>) =>
    steps.flatMap((step) => job.asked(step).map((args) => [step, args]));
  const begun = ['placeJob', 'provisionJob', 'recordRunning', 'recordExtension'] as const;
  expect(await told()).toEqual(begun.flatMap((step) => asked(step)));
  await job.cancel();
  await job.released();
  expect(await told()).toEqual([...begun, 'releaseJob' as const].flatMap((step) => asked(step)));
});
