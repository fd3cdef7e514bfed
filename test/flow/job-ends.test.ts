import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { cancelRequested } from '../../workflows/job-messages.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf } from '../support/flow-job.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow.close());

const secondsAgo = (seconds: number) => Date.now() - seconds * 1_000;
const hourMs = 3_600_000;

/** A step that is under way until the test lets it end. */
function heldUp<T>() {
  let letGo: (answer: T) => void = () => undefined;
  const answer = new Promise<T>((resolve) => (letGo = resolve));
  return { step: () => answer, letGo: (found: T) => letGo(found) };
}

test('a job whose pod was missing when the database was restored is paid for until the backup', async () => {
  const missingSince = instantAt(secondsAgo(4));
  const job = await runningFlowJob(flow, { steps: { teardownJob: () => Promise.resolve({ missingSince }) } });
  await job.cancel();
  expect(await job.released()).toMatchObject({ podEndedAt: missingSince });
});

describe('a pod that ends while its provider is away', () => {
  test('a pod that ends by itself while its provider is away completes its job, which is paid for until the earlier of the two', async () => {
    const job = await runningFlowJob(flow);
    const [awayMs, endedMs] = [secondsAgo(8), secondsAgo(4)];
    await job.hears({ online: false, since: instantAt(awayMs) });
    await job.podIs('succeeded', { endedAt: instantAt(endedMs) });
    expect(await job.released()).toMatchObject({
      status: 'completed',
      podEndedAt: instantAt(endedMs),
      lastSeen: instantAt(awayMs),
    });
    expect(await job.state()).toMatchObject({ status: 'completed' });
    await flow.replay(workflowIdOf(job));
  });

  test('a pod that fails while its provider is away fails its job, which is paid for until the earlier of the two', async () => {
    const job = await runningFlowJob(flow);
    const [awayMs, endedMs] = [secondsAgo(4), secondsAgo(8)];
    await job.hears({ online: false, since: instantAt(awayMs) });
    await job.podIs('failed', { endedAt: instantAt(endedMs), exitCode: 3 });
    expect(await job.released()).toMatchObject({
      status: 'failed',
      failure: { reason: 'container_exited', message: expect.stringContaining('3') },
      podEndedAt: instantAt(endedMs),
      lastSeen: instantAt(awayMs),
    });
  });

  test('a job whose pod is gone while its provider is away counts as lost with the provider', async () => {
    const job = await runningFlowJob(flow);
    const awayMs = secondsAgo(8);
    await job.hears({ online: false, since: instantAt(awayMs) });
    await job.podIs('gone');
    expect(await job.released()).toMatchObject({ status: 'provider_lost', lastSeen: instantAt(awayMs) });
  });

  test('a job that had not heard of its pod’s end takes the time of the end from the removal of the pod', async () => {
    const endedAt = instantAt(secondsAgo(5));
    const job = await runningFlowJob(flow, { steps: { teardownJob: () => Promise.resolve({ podEndedAt: endedAt }) } });
    await job.cancel();
    expect(await job.released()).toMatchObject({ status: 'cancelled', podEndedAt: endedAt });
  });
});

test('a job whose pod does not say when it ended is paid for until the broker saw that, however late a worker hears of it', async () => {
  const job = await runningFlowJob(flow);
  const seenOverAt = instantAt(secondsAgo(5));
  await job.podIs('succeeded', { disrupted: sentence('the machine says nothing else'), seenOverAt });
  expect(await job.released()).toMatchObject({ status: 'provider_lost', endAt: seenOverAt });
  await flow.replay(workflowIdOf(job));
});

test('a cancelled job is paid for until that was asked for, however late a worker hears of it', async () => {
  const job = await runningFlowJob(flow);
  const askedAt = instantAt(secondsAgo(8));
  await flow.temporal.client.workflow
    .getHandle(workflowIdOf(job))
    .signal(cancelRequested, { by: 'its owner', at: askedAt });
  expect(await job.released()).toMatchObject({ status: 'cancelled', endAt: askedAt });
});

test('a job that an operator ended says so to its customer, with the reason', async () => {
  const job = await runningFlowJob(flow);
  await flow.commands.cancel(job.order.jobId, 'the operator', 0, sentence('it mines'));
  expect(await job.released()).toMatchObject({ status: 'cancelled', message: 'an operator ended it: it mines' });
});

test('a job that nobody pays for any more ends, and says so', async () => {
  const job = await runningFlowJob(flow);
  const reason = sentence('the wallet takes its money out of the vault');
  await job.handle.signal(cancelRequested, {
    by: 'the vault',
    at: instantAt(Date.now()),
    reason,
    code: 'funds_withdrawn',
  });
  expect(await job.released()).toMatchObject({
    ...{ status: 'cancelled', message: reason, endedBy: 'you' },
    failure: { reason: 'funds_withdrawn', message: reason },
  });
  await flow.replay(workflowIdOf(job));
});

test('a cancellation from the future, by a wrong clock, ends a job now', async () => {
  const job = await runningFlowJob(flow);
  const tomorrow = instantAt(Date.now() + 86_400_000);
  await flow.temporal.client.workflow
    .getHandle(workflowIdOf(job))
    .signal(cancelRequested, { by: 'its owner', at: tomorrow });
  const { endAt } = await job.released();
  expect(Math.abs(Date.parse(endAt) - Date.now())).toBeLessThan(60_000);
});

test('the API says when a cancellation was asked for', async () => {
  const job = await runningFlowJob(flow);
  const askedMs = Date.now();
  await job.cancel();
  const answeredMs = Date.now();
  const endMs = Date.parse((await job.released()).endAt);
  expect([endMs >= askedMs, endMs <= answeredMs]).toEqual([true, true]);
});

describe('a provider that came back', () => {
  test('a provider that came back has its absence stored as a gap, and the customer is no longer told of it', async () => {
    const job = await runningFlowJob(flow);
    const awayMs = secondsAgo(8);
    await job.hears({ online: false, since: instantAt(awayMs) });
    const [told] = await job.asksFor('recordService');
    expect(told).toMatchObject({ message: expect.stringContaining('not paid for'), gaps: [] });
    await job.hears({ online: true });
    const [after] = await job.asksFor('recordService', 2);
    expect(after).toMatchObject({ message: '', gaps: [{ from: instantAt(awayMs), cause: 'silent' }] });
    await job.cancel();
    const { gaps, lastSeen } = await job.released();
    expect({ gaps, lastSeen }).toEqual({ gaps: [], lastSeen: undefined });
  });
});

describe('a cancellation while the loss of the provider is being checked', () => {
  test.each([
    ['back', 'cancelled'],
    ['unclear', 'cancelled'],
    ['lost', 'provider_lost'],
  ] as const)(
    'a cancellation during a loss check that finds the provider %s makes the job %s, paid for until the provider was last seen',
    async (found, status) => {
      const look = heldUp<typeof found>();
      const job = await runningFlowJob(flow, { limits: { providerLossGraceS: 0 }, steps: { checkLoss: look.step } });
      const awayMs = secondsAgo(8);
      await job.hears({ online: false, since: instantAt(awayMs) });
      await job.asksFor('checkLoss');
      const cancelled = job.cancel();
      expect(await flow.commands.cancel(job.order.jobId, 'its owner', 0)).toBe('still_ending');
      look.letGo(found);
      expect(await cancelled).toMatchObject({ status });
      const outcome = await job.released();
      // One that is back did serve again, and what it did not is a gap.
      if (found === 'back') expect(outcome).toMatchObject({ gaps: [{ from: instantAt(awayMs) }] });
      else expect(outcome).toMatchObject({ lastSeen: instantAt(awayMs) });
      expect(job.asked('checkLoss')).toHaveLength(1);
      expect(job.asked('releaseJob')).toHaveLength(1);
      await flow.replay(workflowIdOf(job));
    },
  );
});

describe('a job that gets a new workflow while it runs', () => {
  test('a job in a new workflow whose provider is away tells its customer so, and is lost after the grace', async () => {
    const awayMs = secondsAgo(30);
    const job = await startFlowJob(flow, {
      limits: { providerLossGraceS: 0.3 },
      steps: { checkLoss: () => Promise.resolve('lost') },
      running: {
        provider: { changedAt: instantAt(Date.now()), away: { atMs: Date.now(), sinceMs: awayMs, final: false } },
      },
    });
    const [told] = await job.asksFor('recordService');
    expect(told).toMatchObject({ message: expect.stringContaining(instantAt(awayMs)) });
    expect(await job.released()).toMatchObject({ status: 'provider_lost', lastSeen: instantAt(awayMs) });
    // It was placed, made and written down by the workflow before.
    expect(['placeJob', 'provisionJob', 'recordRunning'].flatMap((step) => job.asked(step as 'placeJob'))).toEqual([]);
    await flow.replay(workflowIdOf(job));
  });

  test('a job in a new workflow whose provider comes back within the grace continues', async () => {
    const awayMs = secondsAgo(30);
    const job = await startFlowJob(flow, {
      limits: { providerLossGraceS: 600 },
      running: {
        provider: { changedAt: instantAt(Date.now()), away: { atMs: Date.now(), sinceMs: awayMs, final: false } },
      },
    });
    await job.hears({ online: true });
    const { gaps } = await job.asksFor('recordService').then(
      () =>
        flow
          .asked(job.order.jobId)
          .filter(({ step }) => step === 'recordService')
          .at(-1)!.args[0] as { gaps: unknown[] },
    );
    expect(gaps.length).toBeLessThanOrEqual(1);
    await job.becomes('running');
    await job.cancel();
    const outcome = await job.released();
    expect(outcome).toMatchObject({ status: 'cancelled' });
    expect(outcome.lastSeen).toBeUndefined();
  });

  test('a job in a new workflow whose provider is drained ends at the deadline', async () => {
    const job = await startFlowJob(flow, { running: { provider: { drain: { untilMs: Date.now() + 6_000 } } } });
    await expect(job.extend('one', 60)).rejects.toMatchObject({ code: 'provider_drained' });
    expect(await job.released()).toMatchObject({ status: 'cancelled', failure: { reason: 'provider_drained' } });
    await flow.replay(workflowIdOf(job));
  });

  test('a job in a new workflow whose provider leaves after its last job runs to its own end, and is not extended', async () => {
    const expiresAtMs = Date.now() + 6_000;
    const job = await startFlowJob(flow, { running: { expiresAtMs, provider: { drain: {} } } });
    await expect(job.extend('one', 60)).rejects.toMatchObject({ code: 'provider_drained' });
    expect(await job.released()).toMatchObject({ status: 'expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAtMs);
  });

  test('a job in a new workflow whose provider is no longer drained can be extended again', async () => {
    const job = await startFlowJob(flow, { running: { provider: { drain: { untilMs: Date.now() + hourMs } } } });
    await job.hearsOfDrain({ draining: false });
    expect(await job.extend('one', 60)).toEqual({ expiresAt: instantAt(job.ledger.expiresAtMs) });
    await job.cancel();
  });

  test('a job that gets a new workflow after its time was over expires at once', async () => {
    const job = await startFlowJob(flow, { running: { expiresAtMs: secondsAgo(5) } });
    expect(await job.released()).toMatchObject({ status: 'expired', message: 'the rented time is over' });
    expect(job.asked('teardownJob')).toHaveLength(1);
  });
});
