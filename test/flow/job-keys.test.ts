import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobSignals, sendSignal } from '../../src/temporal/signals.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf } from '../support/flow-job.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow.close());

const tell = (jobId: string) => sendSignal(flow.temporal.client, jobSignals.sshKeysChanged(jobId));

describe('a key that is added to a job', () => {
  test('a running job brings its keys each time it is told', async () => {
    const job = await runningFlowJob(flow, {});
    await tell(job.order.jobId);
    await job.asksFor('bringSshKeys');
    await tell(job.order.jobId);
    await job.asksFor('bringSshKeys', 2);
    await job.cancel();
    await job.released();
    await flow.replay(workflowIdOf(job));
  });

  test('a job that is starting brings them once it runs', async () => {
    const job = await startFlowJob(flow, {});
    await job.asksFor('provisionJob');
    await tell(job.order.jobId);
    expect(job.asked('bringSshKeys')).toHaveLength(0);
    await job.podIs('running');
    await job.asksFor('bringSshKeys');
    await job.cancel();
    await job.released();
    await flow.replay(workflowIdOf(job));
  });

  test('a job ends in time although its keys cannot be brought, and one that never ran brings none', async () => {
    const running = await runningFlowJob(flow, {
      steps: { bringSshKeys: () => Promise.reject(new Error('the cluster is away')) },
    });
    await tell(running.order.jobId);
    await running.asksFor('bringSshKeys');
    await running.cancel();
    expect(await running.released()).toMatchObject({ status: 'cancelled' });
    const starting = await startFlowJob(flow, {});
    await starting.asksFor('provisionJob');
    await tell(starting.order.jobId);
    await starting.cancel();
    expect(await starting.released()).toMatchObject({ status: 'cancelled' });
    expect(starting.asked('bringSshKeys')).toHaveLength(0);
  });
});
