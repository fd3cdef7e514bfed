import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { StartFailure } from '../../activities/job-outcome.js';
import { BrokerError } from '../../src/domain/errors.js';
import type { Placement } from '../../src/domain/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { createFlow, type Flow } from '../support/flow.js';
import { startFlowJob, workflowIdOf, type FlowJob, type FlowJobOptions } from '../support/flow-job.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
/** A worker that stops waits for its activities. */
const waiting: (() => void)[] = [];
afterAll(async () => {
  for (const stop of waiting) stop();
  await flow.close();
});

const ssh = { host: '203.0.113.7', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
const message = sentence('its ports are not reachable at 203.0.113.7:30000: nothing answers there');
const unreachable = () => Promise.resolve({ unreachable: { message, fault: 'certain' as const } });
const never = () => new Promise<never>((_, reject) => waiting.push(() => reject(new Error('the test is over'))));

const at = (attempt = 1): Placement => ({
  ...{ providerId: `machine-${attempt}`, nodeName: `node-${attempt}`, gpuType: 'rtx-4090', pricePerHour: 1 },
});
const unreachedAt = ({ providerId }: Placement): StartFailure => ({
  ...{ providerId, attempt: 1, reason: 'ports_unreachable', fault: 'certain', shown: message },
});

/** A job whose pod the broker looks at before it runs. */
const lookedAt = (options: FlowJobOptions): Promise<FlowJob> =>
  startFlowJob(flow, {
    ...options,
    steps: {
      provisionJob: (_, { providerId }) => Promise.resolve({ podUid: `pod-at-${providerId}`, ssh, isLookedAt: true }),
      ...options.steps,
    },
  });

test('a job runs once its pod is ready and the broker has seen its port, not before', async () => {
  let seen: () => void = () => undefined;
  const looking = new Promise<object>((resolve) => (seen = () => resolve({})));
  const job = await lookedAt({ steps: { lookAtSsh: () => looking } });
  expect(job.asked('lookAtSsh')).toEqual([]);
  await job.podIs('running');
  expect(await job.asksFor('lookAtSsh')).toEqual([job.order, job.placement, ssh]);
  expect(job.asked('recordRunning')).toEqual([]);
  seen();
  await job.becomes('running');
  await job.cancel();
  await flow.replay(workflowIdOf(job));
});

test('a job whose port nobody reaches starts elsewhere, and its reason is told with the provider', async () => {
  const elsewhere = { providerId: 'another', nodeName: 'node-of-another', pricePerHour: 2 };
  const job = await lookedAt({
    anywhere: true,
    steps: {
      placeJob: (_, attempt) => Promise.resolve(attempt === 2 ? elsewhere : first),
      lookAtSsh: (_, { providerId }) => (providerId === 'another' ? Promise.resolve({}) : unreachable()),
    },
  });
  const first = job.placement;
  await job.podIs('running');
  await job.asksFor('provisionJob', 2);
  // The order may be the cause, until it has run elsewhere.
  expect(job.asked('leaveProvider')).toEqual([[job.order, { ...unreachedAt(first), fault: 'possible', message }]]);
  await job.podIs('running');
  await job.becomes('running');
  expect(job.asked('recordRunning').map(([, run]) => run)).toMatchObject([{ unreached: unreachedAt(first) }]);
  await job.cancel();
  expect(await job.released()).not.toHaveProperty('unreached');
  await flow.replay(workflowIdOf(job));
});

test('an order that two machines do not answer is held against neither, although a third one runs it', async () => {
  const job = await lookedAt({
    anywhere: true,
    steps: {
      placeJob: (_, attempt) => Promise.resolve(at(attempt)),
      lookAtSsh: (_, { providerId }) => (providerId === 'machine-3' ? Promise.resolve({}) : unreachable()),
    },
  });
  for (const count of [1, 2, 3]) {
    await job.asksFor('provisionJob', count);
    await job.podIs('running');
  }
  await job.becomes('running');
  const faults = job.asked('leaveProvider').map(([, told]) => (told as StartFailure).fault);
  expect(faults).toEqual(['possible', 'possible']);
  expect(job.asked('recordRunning').map(([, run]) => run)).not.toMatchObject([{ unreached: expect.anything() }]);
  await job.cancel();
  expect(await job.released()).not.toHaveProperty('unreached');
  await flow.replay(workflowIdOf(job));
});

test('an order that no machine answers fails, and is held against none of them', async () => {
  const job = await lookedAt({
    anywhere: true,
    steps: { placeJob: (_, attempt) => Promise.resolve(at(attempt)), lookAtSsh: unreachable },
  });
  for (const count of [1, 2, 3, 4, 5]) {
    await job.asksFor('provisionJob', count);
    await job.podIs('running');
  }
  const released = await job.released();
  expect(released).toMatchObject({ failure: { reason: 'ports_unreachable' }, startFailure: { fault: 'possible' } });
  expect(released).not.toHaveProperty('unreached');
  await flow.replay(workflowIdOf(job));
});

test('a job for which no other machine is left after the one whose port nobody reaches holds that against it', async () => {
  const job = await lookedAt({
    anywhere: true,
    steps: {
      placeJob: (_, attempt) =>
        attempt === 2 ? Promise.reject(new BrokerError('no_capacity', 'none')) : Promise.resolve(at(1)),
      lookAtSsh: unreachable,
    },
  });
  await job.asksFor('provisionJob');
  await job.podIs('running');
  const released = await job.released();
  expect(released).toMatchObject({ failure: { reason: 'no_capacity' }, unreached: unreachedAt(at(1)) });
  await flow.replay(workflowIdOf(job));
});

test('a job that may go nowhere else fails with the reason, and without having run', async () => {
  const job = await lookedAt({ steps: { lookAtSsh: unreachable } });
  await job.podIs('running');
  const { failure, startFailure } = await job.released();
  expect(failure).toEqual({ reason: 'ports_unreachable', message });
  expect(startFailure).toMatchObject({ reason: 'ports_unreachable', fault: 'certain', shown: message });
  expect(job.asked('recordRunning')).toEqual([]);
});

test('a pod that ends while the broker looks explains why nobody answers', async () => {
  const job = await lookedAt({ steps: { lookAtSsh: never } });
  await job.podIs('running');
  await job.asksFor('lookAtSsh');
  await job.podIs('failed', { exitCode: 137, cause: 'out_of_memory' });
  const { failure, startFailure } = await job.released();
  expect(failure).toMatchObject({ reason: 'container_exited', cause: 'out_of_memory' });
  expect(startFailure).toBeUndefined();
});

test('a pod whose end nobody heard of is asked for before its provider is blamed', async () => {
  const job = await lookedAt({
    steps: {
      lookAtSsh: unreachable,
      inspectJob: (_, uid) => Promise.resolve({ phase: 'failed', uid, resourceVersion: '99', exitCode: 1 }),
    },
  });
  await job.podIs('running');
  const { failure, startFailure } = await job.released();
  expect(failure).toMatchObject({ reason: 'container_exited' });
  expect(startFailure).toBeUndefined();
});

const program = { restart: 'never', endsJob: true } as const;
const ranFor = (seconds: number) => ({ from: instantAt(Date.now() - seconds * 1_000), to: instantAt(Date.now()) });

test('a program that ended well before anybody looked is paid from when its door opened by itself, and clears its provider of nothing', async () => {
  const job = await lookedAt({ order: { program } });
  await job.asksFor('provisionJob');
  const ran = ranFor(100);
  await job.podIs('succeeded', { exitCode: 0, endedAt: ran.to, ran });
  expect(await job.released()).toMatchObject({ status: 'completed', exitCode: 0, podEndedAt: ran.to });
  const opened = instantAt(Date.parse(ran.from) + 90_000);
  expect(job.asked('recordRunning').map(([, run]) => run)).toMatchObject([{ startedAt: opened, isUnseen: true }]);
  await flow.replay(workflowIdOf(job));
});

test.each([
  ['before anybody looked', false],
  ['while nobody reached it', true],
])('a program cannot have ended well behind a door that was shut, %s, and nothing is paid', async (_, isReady) => {
  const ran = ranFor(60);
  const job = await lookedAt({
    order: { program },
    steps: {
      lookAtSsh: unreachable,
      inspectJob: (_, uid) =>
        Promise.resolve({ phase: 'succeeded', uid, resourceVersion: '99', exitCode: 0, endedAt: ran.to, ran }),
    },
  });
  await job.asksFor('provisionJob');
  await job.podIs(isReady ? 'running' : 'succeeded', isReady ? {} : { exitCode: 0, endedAt: ran.to, ran });
  expect(await job.released()).toMatchObject({ status: 'failed', failure: { reason: 'container_exited' } });
  expect(job.asked('recordRunning')).toEqual([]);
  await flow.replay(workflowIdOf(job));
});

test('a job that is cancelled while the broker looks ends at once', async () => {
  const job = await lookedAt({ steps: { lookAtSsh: never } });
  await job.podIs('running');
  await job.asksFor('lookAtSsh');
  expect(await job.cancel()).toMatchObject({ status: 'cancelled' });
  await flow.replay(workflowIdOf(job));
});

test('a look that the broker itself cannot make blames nobody when the start time is over', async () => {
  const job = await lookedAt({
    limits: { startTimeoutS: 6 },
    steps: { lookAtSsh: () => Promise.reject(new Error('the cluster is away')) },
  });
  await job.podIs('running');
  const { failure, startFailure } = await job.released();
  expect(failure).toMatchObject({ reason: 'start_timeout' });
  expect(startFailure).toBeUndefined();
});
