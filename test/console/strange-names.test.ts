import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { newWallet } from '../support/api.js';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { consoleOperator } from '../support/console-stack.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { sidewaysScroll } from '../support/looks.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { connectWallet, shellOf, walletDialogOf } from './pages/shell.js';

/** What a stranger may call a machine's hardware and place: markup, and letters that reorder the rest. */
const model = 'NVIDIA <img src=x onerror=alert(1)> \u202egnp.exe';
const region = `<b onclick=x>\u202e${'🦦'.repeat(9)}`;
/** As long as the broker takes them. */
const jobName = '=HYPERLINK("https://elsewhere.example";"<img src=x onerror=alert(1)>")'.slice(0, 64);

(await describeWithChromium())('names that strangers chose', () => {
  let site: OpenConsole;
  let machine: Machine;
  let jobId: string;
  const customersWallet = newWallet();
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({ gpus: { model, count: 2 }, region });
    const customer = await site.client(customersWallet);
    const order = { gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1 };
    const job = await customer.jobs.rentAndWait({
      ...{ ...order, duration_hours: 1, job_name: jobName, ssh_public_keys: [ed25519Key()] },
    });
    jobId = job.job_id;
  }, browserStartsWithinMs);
  afterEach(async () => {
    for (const { context } of visitors.splice(0)) await context.close();
  });
  afterAll(async () => await site?.close());

  async function arrive(account = customersWallet): Promise<Visitor> {
    // Where a long word would push the page sideways first.
    const visitor = await site.visitor({ wallet: browserWallet({ account }), width: 320 });
    visitors.push(visitor);
    await visitor.open();
    if (account !== consoleOperator) await connectWallet(visitor.page);
    return visitor;
  }

  /** What the names have done to a page. */
  async function harm(page: Page): Promise<string[]> {
    await page.locator('.skeleton').first().waitFor({ state: 'detached' });
    const text = `${await page.title()} ${await page.evaluate<string>('document.body.textContent')}`;
    const made = await page.locator('main img, [onerror], [onclick], main b:text("gnp")').count();
    return [
      ...(/[\u202a-\u202e\u2066-\u2069]/.test(text) ? ['letters are reordered'] : []),
      ...(made > 0 ? ['markup became elements'] : []),
      ...(await sidewaysScroll(page)),
    ];
  }

  test('harm no page of a customer, and no title', async () => {
    const { page, open, seen } = await arrive();
    const found: string[] = [];
    for (const path of ['', `rent?gpu=${encodeURIComponent(machine.gpuType)}`, 'jobs', `jobs/${jobId}`, 'cost']) {
      await open(path);
      await shellOf(page).heading.waitFor();
      found.push(...(await harm(page)).map((what) => `${path}: ${what}`));
    }
    await open(`jobs/${jobId}`);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await until(async () => (await page.title()).includes('=HYPERLINK("https://elsewhere.example"'), {
      name: 'the title has the name of the job',
    });
    expect(found).toEqual([]);
    expect(seen.complaints).toEqual([]);
    expect(seen.urls.filter((url) => !url.startsWith(site.api))).toEqual([]);
  });

  test('harm no page of an owner, and none of an operator', async () => {
    const owner = await arrive(machine.owner);
    for (const path of ['provider', `provider/${machine.providerId}`]) {
      await owner.open(path);
      await owner.page.getByText('onerror=alert(1)').first().waitFor();
      expect(await harm(owner.page)).toEqual([]);
    }
    const { page, open, seen } = await arrive(consoleOperator);
    await open('operator');
    await page.getByRole('button', { name: 'Sign as an operator' }).click();
    await walletDialogOf(page, 'Sign in as an operator').sign();
    await page.getByRole('tab', { name: 'Now' }).waitFor();
    for (const tab of await page.getByRole('tab').allInnerTexts()) {
      await page.getByRole('tab', { name: tab, exact: true }).click();
      expect((await harm(page)).map((what) => `${tab}: ${what}`)).toEqual([]);
    }
    expect(seen.complaints).toEqual([]);
  });

  test('are no formula in the table that is saved', async () => {
    const { page, open } = await arrive();
    await open('cost');
    const saved = page.waitForEvent('download');
    await page
      .getByRole('region', { name: /^By job/ })
      .getByRole('button', { name: 'Save as CSV' })
      .click();
    const text = readFileSync(await (await saved).path(), 'utf8');
    expect(text).toContain('HYPERLINK');
    expect(text).not.toMatch(/(?:^|,)"?[=+@-]HYPERLINK/m);
  });
});
