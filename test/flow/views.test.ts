import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { printable } from '../../src/domain/outside.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf } from '../support/flow-job.js';
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

test('a stuck job’s timer says that it is the grace, and how long', async () => {
  const job = await startFlowJob(flow, { limits: { stuckGraceS: 9 } });
  await job.asksFor('provisionJob');
  await job.podIs('pending', { stuck: { reason: 'unschedulable', message: printable('no place')! } });
  const summaries = async () => {
    const { events } = await flow.temporal.client.workflow.getHandle(workflowIdOf(job)).fetchHistory();
    return (events ?? []).map(({ userMetadata }) => Buffer.from(userMetadata?.summary?.data ?? '').toString());
  };
  await until(async () => (await summaries()).includes('"stuck grace 9 s"'), { everyMs: 200 });
  await job.cancel();
});
