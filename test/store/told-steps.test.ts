import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { eventsOfJob } from '../../src/db/job-events.js';
import type { JobOrder } from '../../src/domain/job.js';
import { JobSteps } from '../../src/roles/watcher/job-steps.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testWallet } from '../support/fleet.js';
import { jobSteps, orderJob } from '../support/told-jobs.js';

let database: TestDatabase;
let watched: JobSteps;
let order: JobOrder;
const pool = () => database.pool;
const logger = pino({ level: 'silent' });
beforeAll(async () => {
  database = await freshDatabase();
  await putProvider(pool(), { providerId: 'atlas', gpuPrice: 0.5 });
});
afterAll(() => database.close());
beforeEach(async () => {
  watched = new JobSteps(pool(), logger);
  order = await orderJob(pool(), await putSession(pool(), testWallet), { gpuCount: 0 });
  await jobSteps(pool()).place(order);
});

const starting = { uid: 'uid-1', node: 'p-atlas', isStarted: false };
const pulling = { podUid: 'uid-1', node: 'p-atlas', step: 'image_pulling' } as const;
const pulled = { podUid: 'uid-1', node: 'p-atlas', step: 'image_pulled', seconds: 41.2 } as const;

async function told(): Promise<string[]> {
  await watched.stop();
  return (await eventsOfJob(pool(), { jobId: order.jobId, after: 2, limit: 10 })).map(({ text }) => text);
}

test('the steps of a start are told in their order, each once, however often they are seen', async () => {
  for (let time = 0; time < 3; time++) {
    watched.seeStarting(order.jobId, starting);
    watched.hear(pulling);
    watched.hear(pulled);
    watched.seeStarting(order.jobId, { ...starting, isStarted: true });
  }
  expect(await told()).toEqual([
    'the pod was created',
    'the machine pulls the image',
    'the image was pulled in 41.2 s',
    'the container has started; waiting for SSH',
  ]);
});

test('a watcher that starts again tells nothing twice, and nothing that is behind', async () => {
  watched.seeStarting(order.jobId, starting);
  watched.hear(pulled);
  await watched.stop();
  watched = new JobSteps(pool(), logger);
  watched.seeStarting(order.jobId, starting);
  watched.hear(pulling);
  watched.hear(pulled);
  expect(await told()).toEqual(['the pod was created', 'the image was pulled in 41.2 s']);
});

test('a machine tells nothing of a pod that it has not, and nothing of one that is unknown or gone', async () => {
  watched.hear(pulling);
  watched.seeStarting(order.jobId, starting);
  watched.hear({ ...pulling, node: 'p-borealis' });
  watched.hear({ ...pulling, podUid: 'uid-2' });
  await watched.stop();
  watched.forget('uid-1');
  watched.hear(pulling);
  watched.seeStarting(order.jobId, { ...starting, uid: 'uid-3' });
  watched.forgetAllBut(new Set());
  watched.hear({ ...pulling, podUid: 'uid-3' });
  expect(await told()).toEqual(['the pod was created']);
});

test('a job that is not starting has no steps, and the watcher goes on when one cannot be written', async () => {
  await jobSteps(pool()).run(order);
  watched.seeStarting(order.jobId, starting);
  watched.hear(pulling);
  expect(await told()).toEqual(['SSH answers']);
  watched = new JobSteps({ query: () => Promise.reject(new Error('the database is away')) } as never, logger);
  watched.seeStarting(order.jobId, starting);
  await watched.stop();
});
