import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { printable } from '../../src/domain/outside.js';
import { artifactsFolder } from '../support/console.js';
import { browserStartsWithinMs, describeWithChromium, startChromium, type Browser, type Page } from '../support/chromium.js';
import { endpoint } from '../support/engines.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, startFlowJob, workflowIdOf, type FlowJob } from '../support/flow-job.js';
import { until } from '../support/until.js';

const words = 'failed to resolve reference "ghcr.io/example/does-not-exist:1": 403 Forbidden';
/** Temporal's UI loads a megabyte of scripts, and asks for what it shows again and again. */
const shownWithinMs = 60_000;

/** The link to a view, as docs/operate.md has it, to the Temporal of the tests. */
function viewOf(name: string, namespace: string): string {
  const page = readFileSync(join(packageRoot, 'docs/operate.md'), 'utf8');
  const row = page.split('\n').find((line) => line.startsWith(`| ${name}`));
  const [, link] = /`https:\/\/temporal\.example\.com(\/\S+)`/.exec(row ?? '') ?? [];
  if (link === undefined) throw new Error(`docs/operate.md has no view ${name}`);
  return endpoint('temporal_ui') + link.replace('/namespaces/default/', `/namespaces/${namespace}/`);
}

(await describeWithChromium())('an operator in Temporal’s UI', () => {
  let flow: Flow;
  let browser: Browser;
  let page: Page;
  let stuck: FlowJob;
  let running: FlowJob;
  let failed: FlowJob;

  beforeAll(async () => {
    flow = await createFlow();
    const stuckOn = (message: string) => ({
      stuck: { reason: 'image_pull_failed' as const, message: printable('the image cannot be pulled')!, words: printable(message)! },
    });
    running = await runningFlowJob(flow);
    failed = await startFlowJob(flow, { limits: { stuckGraceS: 1 } });
    await failed.asksFor('provisionJob');
    await failed.podIs('pending', stuckOn('no such image'));
    await failed.released();
    stuck = await startFlowJob(flow, { limits: { stuckGraceS: 3_600, startTimeoutS: 7_200 } });
    await stuck.asksFor('provisionJob');
    await stuck.podIs('pending', stuckOn(words));
    browser = await startChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  }, browserStartsWithinMs);
  afterAll(async () => {
    await browser?.close();
    await Promise.all([stuck?.cancel(), running?.cancel()]);
    await flow?.close();
  }, 60_000);

  /** Opens a view, once Temporal lists what has to be there. */
  async function openView(name: string, job: FlowJob) {
    const link = viewOf(name, flow.temporal.config.TEMPORAL_NAMESPACE);
    const query = new URL(link).searchParams.get('query')!;
    const listed = async () => {
      for await (const { workflowId } of flow.temporal.client.workflow.list({ query }))
        if (workflowId === workflowIdOf(job)) return true;
      return false;
    };
    await until(listed, { name: `Temporal lists the job by ${query}`, everyMs: 200 });
    await page.goto(link);
    await page.getByText(workflowIdOf(job)).first().waitFor({ timeout: shownWithinMs });
  }

  test('an operator finds a stuck job, and what it waits for, in two clicks', async () => {
    // The first click is the link.
    await openView('stuck jobs', stuck);
    expect(await page.getByText(workflowIdOf(running)).count()).toBe(0);
    expect(await page.getByText(workflowIdOf(failed)).count()).toBe(0);
    await page.getByRole('link', { name: workflowIdOf(stuck) }).first().click();
    await page.waitForTimeout(8000);
    mkdirSync('/tmp/tu-shots', { recursive: true });
    await page.screenshot({ path: '/tmp/tu-shots/job.png' });
    console.log(await page.locator('body').innerText());
    await page.getByText(/403 Forbidden/).first().waitFor({ timeout: 5000 }).catch(() => console.log('NO WORDS'));
    await page.getByText(/stuck grace 3600 s/).first().waitFor({ timeout: 5000 }).catch(() => console.log('NO TIMER'));
    console.log(artifactsFolder);
  }, 240_000);

  test('a job that failed is in the view of failed jobs, and a good one is not', async () => {
    await openView('failing starts', failed);
    expect(await page.getByText(workflowIdOf(running)).count()).toBe(0);
    await openView('jobs that failed', failed);
    expect(await page.getByText(workflowIdOf(running)).count()).toBe(0);
    expect(await page.getByText(workflowIdOf(stuck)).count()).toBe(0);
  }, 240_000);

  test('Temporal understands the queries of all views', async () => {
    for (const name of ['stuck jobs', 'jobs that failed', 'failing starts', 'providers away', 'settlements that wait']) {
      const query = new URL(viewOf(name, 'any')).searchParams.get('query')!;
      const { count } = await flow.temporal.client.workflow.count(query);
      expect([name, count]).toEqual([name, expect.any(Number)]);
    }
  });
});
