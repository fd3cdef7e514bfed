import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BrokerError } from '../../src/domain/errors.js';
import { instantAt } from '../../src/domain/outside.js';
import { podObserved } from '../../workflows/job-messages.js';
import { createFlow, type Flow, type Steps } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf, type FlowJob } from '../support/flow-job.js';
import { createRandom } from '../support/random.js';
import { until } from '../support/until.js';

const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
let flow: Flow;
beforeAll(async () => {
  console.log(`seed of the ledger's delays: TEST_SEED=${seed}`);
  flow = await createFlow();
});
afterAll(() => flow.close());

type Extending = NonNullable<Steps['recordExtension']>;

/** A job that runs, and whose ledger answers through `around`, a fault that the test puts in. */
async function runningWith(around: (record: () => { expiresAt: string }, at: number) => ReturnType<Extending>) {
  let count = 0;
  const recordExtension: Extending = ({ requestId, seconds }) =>
    around(() => job.ledger.extend(requestId, seconds), ++count);
  const job: FlowJob = await runningFlowJob(flow, { steps: { recordExtension } });
  return { job, startedWithMs: job.ledger.expiresAtMs };
}

const expiry = async (job: FlowJob) => Date.parse((await job.state()).expiresAt!);

describe('an extension', () => {
  test('an extension that the ledger refuses moves nothing, and counts once when it is repeated under the same id', async () => {
    let isRich = false;
    const { job, startedWithMs } = await runningWith(async (record) => {
      if (!isRich) throw new BrokerError('insufficient_funds', 'the wallet has nothing left', { missing: '1' });
      return record();
    });
    const refused = { code: 'insufficient_funds', extra: { missing: '1' } };
    await expect(job.extend('again', 60)).rejects.toMatchObject(refused);
    expect(await expiry(job)).toBe(startedWithMs);
    isRich = true;
    const moved = { expiresAt: instantAt(startedWithMs + 60_000) };
    expect(await job.extend('again', 60)).toEqual(moved);
    expect(await job.extend('again', 60)).toEqual(moved);
    expect(await expiry(job)).toBe(startedWithMs + 60_000);
    expect([...job.ledger.counted]).toEqual([['again', 60]]);
    await job.cancel();
    await flow.replay(workflowIdOf(job));
  });

  test('an extension whose answer was lost is tried again, and counts once', async () => {
    const { job, startedWithMs } = await runningWith(async (record, at) => {
      const recorded = record();
      if (at === 1) throw new Error('the connection was lost');
      return recorded;
    });
    expect(await job.extend('lost', 60)).toEqual({ expiresAt: instantAt(startedWithMs + 60_000) });
    expect(await expiry(job)).toBe(startedWithMs + 60_000);
    await job.cancel();
  });

  test('an extension under way when the time is over keeps the job if it succeeds', async () => {
    const job = await startFlowJob(flow, {
      running: { expiresAtMs: Date.now() + 5_000 },
      steps: {
        async recordExtension({ requestId, seconds }) {
          await until(() => Date.now() > before + 500, { everyMs: 50, name: 'the time is over' });
          return job.ledger.extend(requestId, seconds);
        },
      },
    });
    const before = job.ledger.expiresAtMs;
    expect(await job.extend('in time', 3_600)).toEqual({ expiresAt: instantAt(before + 3_600_000) });
    expect(await job.state()).toMatchObject({ status: 'running', expiresAt: instantAt(before + 3_600_000) });
    expect(job.asked('recordEnding')).toEqual([]);
    expect(await job.cancel()).toMatchObject({ status: 'cancelled' });
    await flow.replay(workflowIdOf(job));
  });

  test('an extension under way when the time is over lets the job end if it is refused', async () => {
    const job = await startFlowJob(flow, {
      running: { expiresAtMs: Date.now() + 5_000 },
      steps: {
        async recordExtension() {
          await until(() => Date.now() > job.ledger.expiresAtMs + 500, { everyMs: 50, name: 'the time is over' });
          throw new BrokerError('duration_limit', 'no longer than this');
        },
      },
    });
    await expect(job.extend('too long', 3_600)).rejects.toMatchObject({ code: 'duration_limit' });
    expect(await job.released()).toMatchObject({ status: 'expired' });
  });
});

describe('concurrent extensions', () => {
  test('concurrent extensions all count, and reach the ledger one after the other', async () => {
    let inLedger = 0;
    const together: number[] = [];
    const { job, startedWithMs } = await runningWith(async (record) => {
      together.push(++inLedger);
      // Long enough for the others to arrive.
      await sleep(500);
      inLedger--;
      return record();
    });
    const answers = await Promise.all([job.extend('one', 60), job.extend('two', 120), job.extend('three', 180)]);
    expect(together).toEqual([1, 1, 1]);
    expect(await expiry(job)).toBe(startedWithMs + 360_000);
    // Each hears what the expiry is with it: the last of them has all.
    expect(Math.max(...answers.map(({ expiresAt }) => Date.parse(expiresAt)))).toBe(startedWithMs + 360_000);
    await job.cancel();
    await flow.replay(workflowIdOf(job));
  });

  test('two concurrent extensions of which one is refused move the expiry by the other alone', async () => {
    const { job, startedWithMs } = await runningWith(async (record, at) => {
      await sleep(50);
      if (at === 1) throw new BrokerError('spend_limit_exceeded', 'the session has nothing left');
      return record();
    });
    const outcomes = await Promise.allSettled([job.extend('one', 60), job.extend('two', 60)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await expiry(job)).toBe(startedWithMs + 60_000);
    await job.cancel();
  });

  test('concurrent extensions with slow or lost answers leave a history that another worker can replay', async () => {
    const random = createRandom(seed);
    const { job, startedWithMs } = await runningWith(async (record, at) => {
      const recorded = record();
      await sleep(random.whole(0, 150));
      if (at % 3 === 0) throw new Error('the answer was lost');
      return recorded;
    });
    const seconds = [60, 120, 180, 240, 300, 360, 420, 480];
    await Promise.all(seconds.map((each) => job.extend(`by-${each}`, each)));
    expect(await expiry(job)).toBe(startedWithMs + 1_000 * seconds.reduce((sum, each) => sum + each, 0));
    await job.cancel();
    await flow.replay(workflowIdOf(job));
  });

  test('concurrent extensions during a cancellation leave a history that another worker can replay', async () => {
    const { job } = await runningWith(async (record) => {
      await sleep(100);
      return record();
    });
    const extending = Promise.allSettled([1, 2, 3, 4].map((each) => job.extend(`late-${each}`, each)));
    await job.asksFor('recordExtension');
    expect(await job.cancel()).toMatchObject({ status: 'cancelled' });
    expect(await extending).toHaveLength(4);
    await flow.replay(workflowIdOf(job));
  });
});

describe('a job that goes on in a new run', () => {
  const startOver = ({ handle }: FlowJob) =>
    flow.startOver(handle, (message) =>
      handle.signal<[object]>(podObserved.name, { phase: 'pending', uid: 'another', resourceVersion: '1', message }),
    );

  test('a job in a new run knows its expiry, and a repeated earlier extension counts neither time nor money again', async () => {
    const job = await runningFlowJob(flow, { order: { durationSeconds: 12 } });
    const startedWithMs = job.ledger.expiresAtMs;
    const extended = await job.extend('old', 3_600);
    await startOver(job);
    expect(await job.state()).toMatchObject({ status: 'running', expiresAt: extended.expiresAt });
    expect(await job.extend('old', 3_600)).toEqual(extended);
    expect(await expiry(job)).toBe(startedWithMs + 3_600_000);
    expect([...job.ledger.counted]).toEqual([['old', 3_600]]);
    await until(() => Date.now() > startedWithMs, { everyMs: 50, name: 'the time that was ordered is over' });
    await expect(job.extend('old', 7_200)).rejects.toMatchObject({ code: 'idempotency_conflict' });
    const further = await job.extend('new', 60);
    expect(further).toEqual({ expiresAt: instantAt(startedWithMs + 3_660_000) });
    expect(await job.state()).toMatchObject({ status: 'running', expiresAt: further.expiresAt });
    // Its pod is the one it had.
    expect(job.asked('provisionJob')).toHaveLength(1);
    await job.podIs('gone');
    expect(await job.released()).toMatchObject({ status: 'failed', failure: { reason: 'pod_deleted' } });
    await flow.replay(workflowIdOf(job));
  });

  test('a job in a new run knows since when its provider is away, and that it is being drained', async () => {
    const job = await runningFlowJob(flow, { limits: { providerLossGraceS: 600 } });
    const since = instantAt(Date.now() - 8_000);
    await job.hears({ online: false, since });
    await job.hearsOfDrain({ draining: true });
    await job.asksFor('recordService');
    await startOver(job);
    await expect(job.extend('one', 60)).rejects.toMatchObject({ code: 'provider_drained' });
    await job.cancel();
    expect(await job.released()).toMatchObject({ status: 'cancelled', lastSeen: since });
  });

  test('a job in a run of an earlier version relies on the ledger for past extensions, not on its input', async () => {
    const job = await startFlowJob(flow, { running: { extensions: ['old'] } });
    const before = job.ledger.expiresAtMs;
    job.ledger.extend('old', 60);
    // As that version had it: the run knew of it, and the ledger counted it.
    job.ledger.expiresAtMs = before;
    expect(await job.extend('old', 60)).toEqual({ expiresAt: instantAt(before) });
    expect(await expiry(job)).toBe(before);
    expect(job.asked('recordExtension')).toHaveLength(1);
    await job.cancel();
  });
});
