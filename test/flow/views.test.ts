import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { printable } from '../../src/domain/outside.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf, type FlowJob } from '../support/flow-job.js';
import { until } from '../support/until.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow?.close());

/** The queries of the views of docs/operate.md, by the first words of their rows. */
function views(): Map<string, string> {
  const page = readFileSync(join(packageRoot, 'docs/operate.md'), 'utf8');
  const links = [...page.matchAll(/^\| ([^|]+) \| `(https:\/\/temporal\.example\.com\/namespaces\/\S+)` \|$/gm)];
  return new Map(links.map(([, name, link]) => [name!, new URL(link!).searchParams.get('query') ?? '']));
}

async function listed(query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of flow.temporal.client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

test('the views of docs/operate.md have the jobs that they are said to have, and no others', async () => {
  const stuckOn = { reason: 'image_pull_failed' as const, message: printable('the image cannot be pulled')! };
  const running = await runningFlowJob(flow);
  const failed = await startFlowJob(flow, { limits: { stuckGraceS: 1 } });
  const stuck = await startFlowJob(flow, { limits: { stuckGraceS: 3_600 } });
  for (const job of [failed, stuck]) {
    await job.asksFor('provisionJob');
    await job.podIs('pending', { stuck: stuckOn });
  }
  await failed.released();
  const has = async (view: string, job: typeof running) =>
    await until(async () => (await listed(views().get(view)!)).includes(workflowIdOf(job)), {
      name: `${view} has the job`,
      everyMs: 100,
    });
  const [starting, failures, starts] = ['stuck jobs: they start or end', 'jobs that failed', 'failing starts'];
  await has(starting, stuck);
  await has(failures, failed);
  await has(starts, failed);
  for (const view of [failures, starts]) expect(await listed(views().get(view)!)).toEqual([workflowIdOf(failed)]);
  // A list is some moments old.
  await until(async () => String(await listed(views().get(starting)!)) === workflowIdOf(stuck), { everyMs: 100 });
  await Promise.all([running.cancel(), stuck.cancel()]);
});

test('Temporal understands each of them', async () => {
  expect(views().size).toBe(6);
  for (const [name, query] of views()) expect([name, await listed(query)]).toEqual([name, expect.any(Array)]);
});

/** What the newest timer of a job with such words says, and when it was started. */
async function timer(job: FlowJob, words: RegExp) {
  const { events } = await flow.temporal.client.workflow.getHandle(workflowIdOf(job)).fetchHistory();
  const found = (events ?? []).flatMap(({ timerStartedEventAttributes, userMetadata, eventTime }) => {
    const said = timerStartedEventAttributes && words.exec(Buffer.from(userMetadata?.summary?.data ?? '').toString());
    return said == null ? [] : [{ said, atMs: Number(eventTime?.seconds) * 1_000 + (eventTime?.nanos ?? 0) / 1e6 }];
  });
  return found.at(-1);
}

test('the timer of a job that starts says what it waits for: first SSH, then the end of a grace, and since when it is stuck', async () => {
  const job = await startFlowJob(flow, { limits: { stuckGraceS: 9 } });
  await job.asksFor('provisionJob');
  const waits = { name: 'a timer says that the job waits for SSH', everyMs: 200 };
  const first = await until(
    () => timer(job, /^"waiting for SSH on \S+; look at the pod after \d+ s without news"$/),
    waits,
  );
  await job.podIs('pending', { stuck: { reason: 'unschedulable', message: printable('no place')! } });
  const stuck = await until(() => timer(job, /^"stuck since (\S+), unschedulable; stuck grace 9 s"$/), {
    name: 'a timer says that the job is stuck',
    everyMs: 200,
  });
  const since = Date.parse(stuck.said[1]!);
  expect(since).toBeGreaterThanOrEqual(first.atMs);
  expect(since).toBeLessThanOrEqual(stuck.atMs);
  await job.cancel();
});

test('a job that cannot write anything down says in its timer which write is tried again', async () => {
  const failing = () => Promise.reject(new Error('connect ECONNREFUSED'));
  const job = await startFlowJob(flow, { steps: { placeJob: failing } });
  await until(() => timer(job, /^"tries again after a failure: place 1 × /), {
    ...{ timeoutMs: 60_000, budgetMs: 20_000, everyMs: 300 },
    name: 'a timer says that the placement is tried again',
  });
  await job.cancel();
});
