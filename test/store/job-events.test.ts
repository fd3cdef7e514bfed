import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { announceExpiries, eventsOfJob, eventsOfWallet, tellStep } from '../../src/db/job-events.js';
import { markEnding, maxEventsWithAbsences } from '../../src/db/job-changes.js';
import { forgetUnreadyJobs } from '../../src/db/tidy.js';
import { withTransaction } from '../../src/db/pool.js';
import { news } from '../../src/domain/job-event.js';
import type { JobOrder } from '../../src/domain/job.js';
import { sentence } from '../../src/domain/outside.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testWallet } from '../support/fleet.js';
import { jobSteps, kindsOfLife, orderJob, wholeLife, type JobSteps } from '../support/told-jobs.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let sessionId: string;
let steps: JobSteps;
const pool = () => database.pool;
beforeAll(async () => {
  database = await freshDatabase();
  steps = jobSteps(pool());
});
afterAll(() => database.close());
beforeEach(async () => {
  await pool().query('truncate allocations, providers cascade');
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5 });
  sessionId = await putSession(pool(), testWallet);
});

const eventsOf = ({ jobId }: JobOrder) => eventsOfJob(pool(), { jobId, after: 0, limit: 100 });
const kindsOf = async (order: JobOrder) => (await eventsOf(order)).map(({ kind }) => kind);
const numbered = async (order: JobOrder) => (await eventsOf(order)).map(({ seq, kind }) => [seq, kind]);
const counted = (kinds: readonly string[]) => kinds.map((kind, index) => [index + 1, kind]);

describe('the events of a job', () => {
  test('have no more absences once a machine has come and gone thousands of times, and the end all the same', async () => {
    const order = await orderJob(pool(), sessionId);
    for (const step of ['place', 'run'] as const) await steps[step](order);
    await pool().query('update jobs set event_count = $2 where job_id = $1', [order.jobId, maxEventsWithAbsences - 1]);
    for (const step of ['leave', 'comeBack', 'leave', 'ending', 'end'] as const) await steps[step](order);
    expect(await numbered(order)).toEqual([
      ...counted(['ordered', 'placed', 'ssh_ready']),
      [maxEventsWithAbsences, 'provider_away'],
      [maxEventsWithAbsences + 1, 'ending'],
      [maxEventsWithAbsences + 2, 'ended'],
    ]);
  });

  test('tell its whole life, numbered without a gap', async () => {
    const order = await orderJob(pool(), sessionId);
    for (const step of wholeLife) await steps[step](order);
    expect(await numbered(order)).toEqual(counted(kindsOfLife));
    const [ordered, placed, ready, extended, , back, , ended] = await eventsOf(order);
    expect(ordered).toMatchObject({ text: 'ordered 1 × any GPU for 1 h', data: { gpu_count: 1, duration_s: 3_600 } });
    expect(placed).toMatchObject({ text: 'placed on atlas', data: { provider_id: 'atlas', price_per_hour: 0.5 } });
    const [readyUntil, longerUntil] = [ready, extended].map((event) => Date.parse(String(event!.data['expires_at'])));
    expect(longerUntil! - readyUntil!).toBe(3_600_000);
    expect(extended!.data).toMatchObject({ seconds: 3_600 });
    expect(back!.data).toEqual({ seconds: 5 });
    expect(ended).toMatchObject({ text: 'you ended it', data: { status: 'cancelled', ended_by: 'you' } });
  });

  test('hold each change once, however often the step that makes it is repeated', async () => {
    const order = await orderJob(pool(), sessionId);
    for (const step of wholeLife) for (let time = 0; time < 3; time++) await steps[step](order);
    expect(await numbered(order)).toEqual(counted(kindsOfLife));
    // The rest of a life after its end changes nothing.
    for (const step of ['run', 'leave', 'comeBack', 'ending', 'end'] as const) await steps[step](order);
    expect(await numbered(order)).toEqual(counted(kindsOfLife));
  });

  test('are as many as the changes when steps of one job run side by side', async () => {
    const order = await orderJob(pool(), sessionId);
    await steps.place(order);
    await Promise.all(Array.from({ length: 8 }, () => steps.run(order)));
    await Promise.all([...Array.from({ length: 4 }, () => steps.leave(order)), steps.extend(order)]);
    await Promise.all(Array.from({ length: 8 }, () => steps.end(order)));
    const kinds = await kindsOf(order);
    expect([...kinds].sort()).toEqual(['ended', 'extended', 'ordered', 'placed', 'provider_away', 'ssh_ready']);
    expect(await numbered(order)).toEqual(counted(kinds));
    expect(kinds.at(-1)).toBe('ended');
  });

  test('are without a gap or a twin when the activity that writes them is cut off at any of its statements', async () => {
    for (const step of wholeLife) {
      const order = await orderJob(pool(), sessionId);
      for (const before of wholeLife.slice(0, wholeLife.indexOf(step))) await steps[before](order);
      let isWhole = false;
      for (let statement = 1; !isWhole; statement++) {
        for (const moment of ['before', 'after'] as const) {
          isWhole = await jobSteps(cutOff(pool(), statement, moment))
            [step](order)
            .then(
              () => true,
              () => false,
            );
        }
      }
      expect(await numbered(order)).toEqual(counted(kindsOfLife.slice(0, wholeLife.indexOf(step) + 2)));
    }
  });

  test('keep nothing of a text that would harm who reads it', async () => {
    const order = await orderJob(pool(), sessionId, { gpuType: 'RTX\u001b]0;x\u0007\u202e4090' });
    const [ordered] = await eventsOf(order);
    expect(ordered).toMatchObject({ text: 'ordered 1 × RTX]0;x4090 for 1 h', data: { gpu_type: 'RTX]0;x4090' } });
  });

  test('are removed with a job that is forgotten', async () => {
    const order = await orderJob(pool(), sessionId);
    await steps.end(order);
    await pool().query(`update jobs set ended_at = now() - interval '1 year' where job_id = $1`, [order.jobId]);
    await forgetUnreadyJobs(pool(), new Date());
    expect(await eventsOf(order)).toEqual([]);
  });
});

describe('the ids of a wallet’s events', () => {
  test('become visible in their order, even if a transaction takes its time to commit', async () => {
    const [slow, quick] = [await orderJob(pool(), sessionId), await orderJob(pool(), sessionId)];
    const before = await eventsOfWallet(pool(), { wallet: testWallet, after: 0, limit: 10_000 });
    const read = before.at(-1)!.id;
    const ending = sentence('it ends');
    let overtaken: Promise<unknown> | undefined;
    await withTransaction(pool(), async (tx) => {
      await markEnding(tx, slow.jobId, ending);
      overtaken = markEnding(pool(), quick.jobId, ending);
      await until(async () => {
        const { rows } = await pool().query<{ waiting: number }>(
          `select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory'
             and datname = current_database()`,
        );
        return rows[0]!.waiting > 0;
      });
      // A reader that saw the quick one now would never read the slow one, which has the lower id.
      expect(await eventsOfWallet(pool(), { wallet: testWallet, after: read, limit: 10 })).toEqual([]);
    });
    await overtaken;
    const after = await eventsOfWallet(pool(), { wallet: testWallet, after: read, limit: 10 });
    expect(after.map(({ jobId }) => jobId)).toEqual([slow.jobId, quick.jobId]);
  });
});

describe('the steps of a start that machines report', () => {
  const step = (kind: Parameters<typeof tellStep>[2]['kind']) => ({ ...news(kind, kind), kind });

  test('are told once, in order, and only of a job that is starting', async () => {
    const order = await orderJob(pool(), sessionId);
    await tellStep(pool(), order.jobId, step('image_pulling'));
    expect(await kindsOf(order)).toEqual(['ordered']);
    await steps.place(order);
    for (const kind of ['pod_created', 'image_pulling', 'image_pulling', 'image_pulled', 'image_pulling'] as const) {
      await tellStep(pool(), order.jobId, step(kind));
    }
    await steps.run(order);
    await tellStep(pool(), order.jobId, step('container_started'));
    const told = ['ordered', 'placed', 'pod_created', 'image_pulling', 'image_pulled', 'ssh_ready'];
    expect(await numbered(order)).toEqual(counted(told));
  });
});

describe('the end of a job that comes near', () => {
  test('is announced once for each expiry, to running jobs only', async () => {
    const hour = await running({ durationSeconds: 3_600 }, 3_600 - 590);
    const short = await running({ durationSeconds: 600 }, 600 - 95);
    const early = await running({ durationSeconds: 600 }, 600 - 110);
    const later = await running({ durationSeconds: 3_600 }, 3_600 - 700);
    const over = await running({ durationSeconds: 3_600 }, 3_601);
    const ended = await running({ durationSeconds: 3_600 }, 3_600 - 590);
    await steps.end(ended);

    expect(await announceExpiries(pool())).toEqual([testWallet]);
    await announceExpiries(pool());
    const announced = async (order: JobOrder) =>
      (await kindsOf(order)).filter((kind) => kind === 'expires_soon').length;
    expect(await Promise.all([hour, short, early, later, over, ended].map(announced))).toEqual([1, 1, 0, 0, 0, 0]);

    await steps.extend(short);
    await announceExpiries(pool());
    expect(await announced(short)).toBe(1);
    await pool().query(`update jobs set expires_at = now() + interval '60 s' where job_id = $1`, [short.jobId]);
    await announceExpiries(pool());
    expect(await announced(short)).toBe(2);
    expect(await numbered(short)).toEqual(counted(await kindsOf(short)));
  });

  test('is announced side by side with other changes of the same jobs', async () => {
    const jobs = [];
    for (let at = 0; at < 6; at++) jobs.push(await running({ durationSeconds: 3_600 }, 3_600 - 590));
    await Promise.all([
      ...Array.from({ length: 4 }, () => announceExpiries(pool())),
      ...jobs.map((job) => steps.leave(job)),
      sleep(1).then(() => announceExpiries(pool())),
    ]);
    for (const job of jobs) {
      expect(await numbered(job)).toEqual(counted(await kindsOf(job)));
      expect((await kindsOf(job)).filter((kind) => kind === 'expires_soon')).toHaveLength(1);
    }
  });

  async function running(changes: Partial<JobOrder>, servedS: number): Promise<JobOrder> {
    const order = await orderJob(pool(), sessionId, changes);
    await steps.place(order);
    await steps.run(order, Date.now() - servedS * 1_000);
    return order;
  }
});

/** A pool whose connections break at a statement: before it runs, or before its answer arrives. */
function cutOff(whole: Pool, statement: number, moment: 'before' | 'after'): Pool {
  let sent = 0;
  const broken =
    (query: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]) => {
      // Nothing waits for the bell, and nothing depends on it.
      if (JSON.stringify(args[0]).includes('pg_notify')) return await query(...args);
      const isCut = ++sent === statement;
      if (isCut && moment === 'before') throw new Error('the connection broke');
      const answer = await query(...args);
      if (isCut) throw new Error('the connection broke');
      return answer;
    };
  return {
    query: broken(whole.query.bind(whole)),
    async connect() {
      const client = await whole.connect();
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      return {
        query: broken(query),
        on: () => undefined,
        off: () => undefined,
        // As when a process dies: whatever was not committed is gone.
        release: () => client.release(true),
      };
    },
  } as unknown as Pool;
}
