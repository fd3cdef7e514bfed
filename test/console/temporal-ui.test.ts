import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import { newWallet } from '../support/api.js';
import {
  browserStartsWithinMs,
  describeWithChromium,
  type BrowserContext,
  type Locator,
  type Page,
} from '../support/chromium.js';
import { artifactsFolder, openConsole, type Machine, type OpenConsole } from '../support/console.js';
import { keepView } from '../support/looks.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { currentDetails, drawnWait, jobLink, startedTimer, titleOf } from './pages/temporal.js';

const image = 'ghcr.io/example/does-not-exist:1';

/** Where docs/operate.md has its picture; `RECORD_PICTURES=true` takes it anew. */
const pictures = process.env['RECORD_PICTURES'] === 'true' ? join(packageRoot, 'docs/images') : undefined;

/** The link of docs/operate.md to the view of stuck jobs, with the site's address in the place of the example's. */
function linkOfStuckJobs(temporalUi: string): string {
  const page = readFileSync(join(packageRoot, 'docs/operate.md'), 'utf8');
  const link = /^\| stuck jobs: [^|]+\| `https:\/\/temporal\.example\.com(\S+)` \|$/m.exec(page)?.[1];
  if (link === undefined) throw new Error('docs/operate.md has no link to the stuck jobs');
  return temporalUi + link;
}

(await describeWithChromium())('a stuck job in the Temporal UI', () => {
  let site: OpenConsole;
  let machine: Machine;
  const jobs = { stuck: '', running: '' };
  let ordered: string;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine();
    const client = await site.client(newWallet());
    const order = (name: string) => ({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 1 },
      ...{ job_name: name, ssh_public_keys: [ed25519Key()] },
    });
    jobs.running = (await client.jobs.rentAndWait(order('runs'))).job_id;
    const { job } = await client.jobs.create({ ...order('stuck'), image }, { wait: 0 });
    [jobs.stuck, ordered] = [job.job_id, job.created_at];
    await until(() => isListed(jobs.stuck), { timeoutMs: 60_000, everyMs: 500, name: 'Temporal lists the stuck job' });
  }, browserStartsWithinMs);
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await site?.close();
  });

  /** Lists are some moments old, and the UI does not read them again by itself. */
  async function isListed(jobId: string): Promise<boolean> {
    const { pathname, searchParams } = new URL(linkOfStuckJobs(site.endpoints.temporal_ui!));
    const query = encodeURIComponent(searchParams.get('query')!);
    const answer = await fetch(`${site.endpoints.temporal_ui}/api/v1${pathname}?query=${query}`);
    return (await answer.text()).includes(jobWorkflowId(jobId));
  }

  async function openBrowser(width: number): Promise<Page> {
    const context = await site.browser.newContext({ viewport: { width, height: 900 }, reducedMotion: 'reduce' });
    contexts.push(context);
    // A busy machine is slow to run so much code; nothing here depends on how fast it is.
    context.setDefaultTimeout(100_000);
    return await context.newPage();
  }

  async function isInWindow(page: Page, what: Locator): Promise<boolean> {
    const { y, height } = (await what.boundingBox())!;
    return y >= 0 && y + height <= page.viewportSize()!.height;
  }

  test.each([1440, 1024])(
    'is found at %i pixels by a link and a click, and says what it waits for, and since when',
    async (width) => {
      const page = await openBrowser(width);
      // The first click: a link that the operator has kept.
      await page.goto(linkOfStuckJobs(site.endpoints.temporal_ui!));
      await jobLink(page, jobs.stuck).waitFor();
      expect(await jobLink(page, jobs.running).count()).toBe(0);
      await keepView(page, artifactsFolder, `temporal-stuck-jobs-${width}`);

      // The second one.
      await jobLink(page, jobs.stuck).click();
      await titleOf(page, jobs.stuck).waitFor();
      const words = /^stuck since (\S+), image_pull_failed; /;
      await drawnWait(page, words).waitFor();
      const [, since = ''] = words.exec((await drawnWait(page, words).textContent())?.trim() ?? '') ?? [];
      expect(Date.parse(since)).toBeGreaterThanOrEqual(Date.parse(ordered));
      expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
      await startedTimer(page, /stuck since \S+, image_pull_failed; /).waitFor();
      // In a narrower window the UI puts it below its table of figures, so people scroll.
      if (width === 1440) expect(await isInWindow(page, drawnWait(page, words))).toBe(true);
      else await drawnWait(page, words).scrollIntoViewIfNeeded();
      await keepView(page, artifactsFolder, `temporal-stuck-job-${width}`);
      if (pictures !== undefined && width === 1440) await keepView(page, pictures, 'stuck-job-in-temporal');

      // What the registry said is a third click away.
      await page.getByRole('tab', { name: 'User Metadata' }).click();
      await currentDetails(page).getByText(`stuck, image_pull_failed: ${image}`).waitFor();
      await keepView(page, artifactsFolder, `temporal-stuck-job-details-${width}`);
    },
    400_000,
  );
});
