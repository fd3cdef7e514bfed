import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { instantAt, printable } from '../../src/domain/outside.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf, type FlowJob } from '../support/flow-job.js';

let flow: Flow;
/** A job for which no place is found. Steps in a database are tried for seconds before anything else is heard. */
let waiting: FlowJob;
beforeAll(async () => {
  flow = await createFlow();
  waiting = await startFlowJob(flow, { steps: { placeJob: away } });
});
afterAll(() => flow.close());

/** The cluster cannot be reached. */
const away = () => Promise.reject(new Error('no way to the cluster'));
const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
const elsewhere = { providerId: 'another', nodeName: 'node-of-another', pricePerHour: 2 };

/** What holds of every job that is over: its pod was asked away before its capacity was given back, once each. */
function expectCleanEnd({ asked }: FlowJob): void {
  expect([asked('recordEnding'), asked('teardownJob'), asked('releaseJob')].map((each) => each.length)).toEqual([
    1, 1, 1,
  ]);
}

describe('a job that is not ready in time', () => {
  test('a job whose pod cannot be made fails when its start time is over, and no attempt follows', async () => {
    const job = await startFlowJob(flow, { limits: { startTimeoutS: 0.4 }, steps: { provisionJob: away } });
    const { status, message, failure, startFailure } = await job.released();
    expect({ status, message }).toEqual({ status: 'failed', message: 'the pod was not ready within 0.4 s' });
    expect(failure).toEqual({ reason: 'start_timeout', message });
    expect(startFailure).toBeUndefined();
    expect(await job.state()).toMatchObject({ status: 'failed', failure: { reason: 'start_timeout' } });
    expectCleanEnd(job);
    await flow.replay(workflowIdOf(job));
  });

  test('a job whose pod does not become ready fails when its start time is over', async () => {
    const job = await startFlowJob(flow, { limits: { startTimeoutS: 0.4 } });
    const { status, failure, startFailure } = await job.released();
    expect({ status, failure }).toMatchObject({
      status: 'failed',
      failure: { reason: 'start_timeout', message: 'the pod was not ready within 0.4 s' },
    });
    expect(startFailure).toBeUndefined();
    expect(job.asked('recordRunning')).toEqual([]);
    expectCleanEnd(job);
    await flow.replay(workflowIdOf(job));
  });

  test('a job whose machine does not begin with its pod fails long before its time is over, which is held against the machine', async () => {
    const job = await startFlowJob(flow, { limits: { startTimeoutS: 60 } });
    const soon = await startFlowJob(flow, { limits: { startTimeoutS: 9 } });
    await Promise.all([job, soon].map((each) => each.podIs('pending', { unprepared: 'certain' })));
    const { failure, startFailure } = await soon.released();
    expect(failure).toMatchObject({ reason: 'start_timeout', message: expect.stringContaining('did not begin') });
    const { providerId } = soon.placement;
    expect(startFailure).toEqual({ providerId, attempt: 1, reason: 'start_timeout', fault: 'certain' });
    // The other has a minute: a third of that is not over.
    expect((await job.state()).status).toBe('provisioning');
    expect(await job.cancel()).toMatchObject({ status: 'cancelled' });
  });
});

describe('a job whose machine does not begin with its pod', () => {
  test('a job whose machine does not begin with its pod moves to another one, and ignores news of the first', async () => {
    const job = await startFlowJob(flow, {
      anywhere: true,
      limits: { startTimeoutS: 9 },
      steps: { placeJob: (_, attempt) => Promise.resolve(attempt === 2 ? elsewhere : first) },
    });
    const first = job.placement;
    await job.podIs('pending', { unprepared: 'certain' });
    await job.asksFor('provisionJob', 2);
    const failure = { providerId: first.providerId, attempt: 1, reason: 'start_timeout', fault: 'certain' };
    const message = expect.stringContaining('did not begin');
    expect(job.asked('leaveProvider')).toEqual([[job.order, { ...failure, message }]]);
    expect(job.asked('teardownJob')).toEqual([[job.order, first]]);
    await job.hears({ online: false, final: true });
    await job.podIs('running');
    expect(await job.becomes('running')).toMatchObject({ placement: elsewhere });
    await job.hears({ providerId: elsewhere.providerId, online: false, final: true });
    expect(await job.released()).toMatchObject({ status: 'provider_lost' });
    await flow.replay(workflowIdOf(job));
  });

  test('a job whose machine does not begin with its pod does not move once the time of one start is over', async () => {
    const job = await startFlowJob(flow, {
      anywhere: true,
      limits: { startTimeoutS: 1 },
      steps: {
        provisionJob: (_, { providerId }) =>
          job.podIs('pending', { unprepared: 'certain' }).then(() => ({ podUid: `pod-at-${providerId}`, ssh })),
      },
    });
    const { failure } = await job.released();
    expect(failure).toMatchObject({ reason: 'start_timeout' });
    // Five machines would have been tried, had each had the whole time.
    expect(job.asked('placeJob').length).toBeLessThan(5);
  });
});

describe('an extension of a job that does not run yet', () => {
  test('an extension of a job that does not run yet is refused for that reason, and does not reach the ledger', async () => {
    const job = await startFlowJob(flow);
    await job.asksFor('provisionJob');
    await expect(job.extend('early', 60)).rejects.toMatchObject({
      code: 'job_not_running',
      detail: 'the job is provisioning',
    });
    await job.podIs('running');
    const { expiresAt } = await job.becomes('running');
    expect(job.asked('recordExtension')).toEqual([]);
    // The same request again, as a client makes it when it has been told so.
    const extended = await job.extend('early', 60);
    expect(Date.parse(extended.expiresAt) - Date.parse(expiresAt!)).toBe(60_000);
    await job.cancel();
    await expect(job.extend('late', 60)).rejects.toMatchObject({ code: 'job_ended' });
  });
});

describe('a provider that is drained before its job has started', () => {
  const drained = { status: 'cancelled', failure: { reason: 'provider_drained' } };
  const inAMoment = () => new Date(Date.now() + 300).toISOString();

  test('a job leaves a drained provider at the deadline while its pod is still being made', async () => {
    const job = await startFlowJob(flow, { steps: { provisionJob: away } });
    await job.asksFor('provisionJob');
    await job.hearsOfDrain({ draining: true, until: inAMoment() });
    const { providerId } = job.placement;
    expect(await job.released()).toMatchObject({
      ...drained,
      startFailure: { providerId, attempt: 1, reason: 'provider_drained', fault: 'possible' },
    });
    expectCleanEnd(job);
    await flow.replay(workflowIdOf(job));
  });

  test('a job leaves a drained provider at the deadline while its pod becomes ready', async () => {
    const job = await startFlowJob(flow);
    await job.podIs('pending');
    await job.hearsOfDrain({ draining: true, until: inAMoment() });
    expect(await job.released()).toMatchObject(drained);
    expect(job.asked('recordRunning')).toEqual([]);
    expectCleanEnd(job);
    await flow.replay(workflowIdOf(job));
  });

  test('a job that its customer wanted anywhere moves from a drained provider to another one', async () => {
    const job = await startFlowJob(flow, {
      anywhere: true,
      steps: { placeJob: (_, attempt) => Promise.resolve(attempt === 2 ? elsewhere : first) },
    });
    const first = job.placement;
    await job.asksFor('provisionJob');
    await job.hearsOfDrain({ draining: true, until: inAMoment() });
    await job.asksFor('provisionJob', 2);
    await job.podIs('running');
    expect(await job.becomes('running')).toMatchObject({ placement: elsewhere });
    // The drain was the other provider's.
    await job.extend('one', 60);
    await job.cancel();
    await flow.replay(workflowIdOf(job));
  });

  test('a job that is ready before the deadline of a drain stays until the deadline', async () => {
    const job = await runningFlowJob(flow);
    // Long enough for the extension to come before it.
    await job.hearsOfDrain({ draining: true, until: new Date(Date.now() + 5_000).toISOString() });
    await expect(job.extend('one', 60)).rejects.toMatchObject({ code: 'provider_drained' });
    expect(await job.released()).toMatchObject(drained);
  });
});

describe('a cancellation', () => {
  test('a cancellation ends a job whose pod cannot be made, without waiting for the next attempt', async () => {
    const job = await startFlowJob(flow, { steps: { provisionJob: away } });
    await job.asksFor('provisionJob', 2);
    expect(await job.cancel()).toMatchObject({ status: 'cancelled' });
    expectCleanEnd(job);
  });

  test('a cancellation ends a job that waits for a placement, and releases what it may have got', async () => {
    await waiting.asksFor('placeJob', 2);
    expect(await waiting.cancel()).toMatchObject({ status: 'cancelled' });
    expect(waiting.asked('teardownJob')).toEqual([]);
    expect(waiting.asked('releaseJob')).toHaveLength(1);
  });
});

test('a job whose machine ends before it is ready fails if a program was to run on it, and completes without one', async () => {
  for (const [program, end] of [
    [
      { restart: 'never', endsJob: true },
      { status: 'failed', failure: { reason: 'container_exited' } },
    ],
    [
      { restart: 'always', endsJob: false },
      { status: 'failed', failure: { reason: 'container_exited' } },
    ],
    [undefined, { status: 'completed' }],
  ] as const) {
    const job = await startFlowJob(flow, { order: program === undefined ? {} : { program } });
    await job.asksFor('provisionJob');
    await job.podIs('succeeded', { exitCode: 0 });
    expect(await job.released()).toMatchObject(end);
    expect(job.asked('recordRunning')).toEqual([]);
    expectCleanEnd(job);
    await flow.replay(workflowIdOf(job));
  }
});

test('a program that ended well while nobody looked completes its job, which is paid for as long as it ran', async () => {
  const program = { restart: 'never', endsJob: true } as const;
  const ran = { from: instantAt(Date.now() - 60_000), to: instantAt(Date.now() - 20_000) };
  const job = await startFlowJob(flow, { order: { program } });
  await job.asksFor('provisionJob');
  await job.podIs('succeeded', { exitCode: 0, endedAt: ran.to, ran });
  expect(await job.released()).toMatchObject({ status: 'completed', exitCode: 0, podEndedAt: ran.to });
  expect(job.asked('recordRunning').map(([, running]) => running)).toMatchObject([
    { startedAt: ran.from, isUnseen: true },
  ]);
  expectCleanEnd(job);
  await flow.replay(workflowIdOf(job));
});

test('a job whose pod cannot be made fails with the reason from the cluster', async () => {
  const stuck = { reason: 'image_pull_failed', message: printable('no such image')!, words: printable('404 from it')! };
  const job = await startFlowJob(flow, { limits: { stuckGraceS: 0.2 } });
  await job.asksFor('provisionJob');
  await job.podIs('pending', { stuck: { ...stuck, reason: 'image_pull_failed' } });
  expect(await job.released()).toMatchObject({ status: 'failed', failure: stuck });
});
