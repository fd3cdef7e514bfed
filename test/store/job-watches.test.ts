import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { eventsOfJob } from '../../src/db/job-events.js';
import type { JobUse, UseAnswer } from '../../src/domain/job-use.js';
import type { JobOrder } from '../../src/domain/job.js';
import { usualPace, watchOnce } from '../../src/roles/worker/watch-jobs.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testWallet } from '../support/fleet.js';
import { jobSteps, orderJob, type JobSteps } from '../support/told-jobs.js';

let database: TestDatabase;
let sessionId: string;
let steps: JobSteps;
let answers: Map<string, UseAnswer>;
let asked: string[];
let rung: (string | undefined)[];
let started: JobOrder[];
const logger = pino({ level: 'silent' });
const pool = () => database.pool;

beforeAll(async () => {
  database = await freshDatabase();
  steps = jobSteps(pool());
  sessionId = await putSession(pool(), testWallet);
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0 });
});
afterAll(() => database.close());
beforeEach(() => {
  [answers, asked, rung, started] = [new Map(), [], [], []];
});
afterEach(async () => {
  for (const order of started) await steps.end(order);
  await pool().query('delete from job_watches');
});

const program = { restart: 'always', endsJob: false } as const;

async function running(changes: Partial<JobOrder> = { program }): Promise<JobOrder> {
  const order = await orderJob(pool(), sessionId, { gpuCount: 0, ...changes });
  await steps.place(order);
  await steps.run(order);
  started.push(order);
  return order;
}

const use = (change: Partial<JobUse>): UseAnswer => ({
  kind: 'use',
  use: { at: new Date(), stepS: 30, limits: {}, gpus: [], samples: [], ...change },
});

/** One look at everything, as if all of it were due. */
async function look(pace = usualPace): Promise<void> {
  const askUse = async ({ jobId }: { jobId: string }): Promise<UseAnswer> => {
    asked.push(jobId);
    return answers.get(jobId) ?? { kind: 'silent' };
  };
  await watchOnce({ pool: pool(), logger, askUse }, pace, (wallet) => rung.push(wallet));
}
const allDue = () => pool().query(`update job_watches set next_at = now() - interval '1 s'`);
async function lookAtAll(): Promise<void> {
  await look();
  await allDue();
  await look();
}
const kindsOf = async ({ jobId }: JobOrder) =>
  (await eventsOfJob(pool(), { jobId, after: 3, limit: 100 })).map(({ kind }) => kind);

test('what changes on a machine is an event of its job, and its customer is told at once', async () => {
  const order = await running();
  answers.set(order.jobId, use({ program: { state: 'running', restarts: 0, since: new Date() } }));
  await lookAtAll();
  expect(await kindsOf(order)).toEqual(['program_started']);
  expect(rung).toEqual([testWallet]);
  answers.set(
    order.jobId,
    use({
      program: { state: 'running', exitCode: 1, restarts: 1, since: new Date() },
      gpusLost: { had: 2, has: 1, since: new Date() },
    }),
  );
  for (let times = 0; times < 3; times++) {
    await allDue();
    await look();
  }
  expect(await kindsOf(order)).toEqual(['program_started', 'program_restarted', 'gpu_lost']);
});

test('only running jobs are asked that have a program or GPUs, and each no more often than it is due', async () => {
  const [withProgram, plain] = [await running(), await running({})];
  const waiting = await orderJob(pool(), sessionId, { gpuCount: 0, program });
  await lookAtAll();
  await look();
  expect(asked).toEqual([withProgram.jobId]);
  expect(asked).not.toContain(plain.jobId);
  expect(asked).not.toContain(waiting.jobId);
});

test('a job that has ended is asked no more, and nothing is kept of it', async () => {
  const order = await running();
  await look();
  await steps.end(order);
  await allDue();
  await look();
  expect(asked).toEqual([]);
  expect((await pool().query('select from job_watches')).rowCount).toBe(0);
});

test('an answer that comes after the end of the job writes no event', async () => {
  const order = await running();
  await look();
  await allDue();
  const askUse = async (): Promise<UseAnswer> => {
    await steps.end(order);
    return use({ program: { state: 'running', restarts: 0, since: new Date() } });
  };
  await watchOnce({ pool: pool(), logger, askUse }, usualPace, () => undefined);
  expect(await kindsOf(order)).not.toContain('program_started');
});

test('a server that does not know the question is left alone for a day', async () => {
  const order = await running();
  answers.set(order.jobId, { kind: 'refused' });
  await lookAtAll();
  const { rows } = await pool().query<{ far: boolean }>(
    `select next_at > now() + interval '20 hours' as far from job_watches where job_id = $1`,
    [order.jobId],
  );
  expect(rows).toEqual([{ far: true }]);
});

test('a machine that says nothing, or nothing that can be read, is asked less often and not forgotten', async () => {
  for (const kind of ['silent', 'unreadable'] as const) {
    const order = await running();
    answers.set(order.jobId, { kind });
    await lookAtAll();
    const { rows } = await pool().query<{ later: boolean; soon: boolean }>(
      `select next_at > now() + interval '4 minutes' as later, next_at < now() + interval '6 minutes' as soon
         from job_watches where job_id = $1`,
      [order.jobId],
    );
    expect(rows).toEqual([{ later: true, soon: true }]);
  }
});

test('processes that look at the same time ask different machines', async () => {
  const jobs = await Promise.all(Array.from({ length: 8 }, () => running()));
  await look();
  await allDue();
  await Promise.all(Array.from({ length: 4 }, () => look({ ...usualPace, perRound: 4 })));
  expect([...asked].sort()).toEqual(jobs.map(({ jobId }) => jobId).sort());
});
