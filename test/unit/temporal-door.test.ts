import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure, WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { asBrokerError, isEndedMeanwhile, unlessNoWorkflow } from '../../src/temporal/failures.js';
import { jobSignals, providerSignals, sendSignal, sendToEach } from '../../src/temporal/signals.js';

const failedUpdate = (type: string) => new WorkflowUpdateFailedError('failed', ApplicationFailure.create({ type }));

test('a signal names its workflow, itself and its payload', () => {
  expect(providerSignals.nodeObserved('prov-1', { state: 'gone' })).toEqual({
    workflowId: expect.stringContaining('prov-1'),
    name: 'nodeObserved',
    args: [{ state: 'gone' }],
  });
  expect(jobSignals.cancelRequested('job-1', { by: 'me' }).name).toBe('cancelRequested');
  expect(providerSignals.heartbeatChanged('prov-1').args).toEqual([]);
});

describe('sending a signal', () => {
  const clientThat = (signal: () => Promise<void>) =>
    ({ workflow: { getHandle: () => ({ signal }) } }) as never as Client;
  const signal = providerSignals.miningChanged('prov-1');

  test('answers true when it was sent', async () => {
    expect(
      await sendSignal(
        clientThat(() => Promise.resolve()),
        signal,
      ),
    ).toBe(true);
  });

  test('answers false when there is no such workflow', async () => {
    const missing = new WorkflowNotFoundError('no workflow', 'id', undefined);
    expect(
      await sendSignal(
        clientThat(() => Promise.reject(missing)),
        signal,
      ),
    ).toBe(false);
  });

  test('fails with whatever else the client meets', async () => {
    const outage = new Error('unavailable');
    await expect(
      sendSignal(
        clientThat(() => Promise.reject(outage)),
        signal,
      ),
    ).rejects.toBe(outage);
  });

  test('to many goes on where one cannot be told', async () => {
    const told: number[] = [];
    const failed = await sendToEach([1, 2, 3], async (each) => {
      if (each === 2) throw new Error('busy');
      told.push(each);
    });
    expect(told).toEqual([1, 3]);
    expect(failed.map(({ item }) => item)).toEqual([2]);
  });
});

describe('a failed call to Temporal', () => {
  test('keeps the code that the workflow failed with', () => {
    expect(asBrokerError(failedUpdate('duration_limit'), 'job_requests').code).toBe('duration_limit');
  });

  test('is an outage where the workflow names no code of ours', () => {
    expect(asBrokerError(failedUpdate('other'), 'job_requests').code).toBe('dependency_unavailable');
    expect(asBrokerError(new Error('reset'), 'job_requests').code).toBe('dependency_unavailable');
  });

  test('is known as the end of a workflow that took an update and did not answer it', () => {
    expect(isEndedMeanwhile(failedUpdate('AcceptedUpdateCompletedWorkflow'))).toBe(true);
    expect(isEndedMeanwhile(failedUpdate('job_ended'))).toBe(false);
  });

  test('is no answer where no such workflow runs', async () => {
    expect(await unlessNoWorkflow(Promise.resolve(1))).toBe(1);
    expect(await unlessNoWorkflow(Promise.reject(new WorkflowNotFoundError('no', 'id', undefined)))).toBeUndefined();
  });
});
