import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { newWallet } from '../support/api.js';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { sidewaysScroll } from '../support/looks.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { hasFocus } from './pages/keys.js';
import { connectWallet, shellOf, walletDialogOf } from './pages/shell.js';

const noSuchJob = '01a21b04-5bea-7327-8227-742970cf6f95';

(await describeWithChromium())('finding one’s way', () => {
  let site: OpenConsole;
  let machine: Machine;
  let customer: WorldLand;
  let jobId: string;
  let visitor: Visitor;
  const wallet = newWallet();
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine();
    customer = await site.client(wallet);
    const order = { gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1 };
    const job = await customer.jobs.rentAndWait({
      ...{ ...order, duration_hours: 2, job_name: 'lighthouse', ssh_public_keys: [ed25519Key()] },
    });
    jobId = job.job_id;
  }, browserStartsWithinMs);
  afterEach(async () => await visitor?.context.close());
  afterAll(async () => await site?.close());

  async function arrive(path = '', width = 1440): Promise<Page> {
    visitor = await site.visitor({ wallet: browserWallet({ account: wallet }), width });
    await visitor.open(path);
    await shellOf(visitor.page).heading.waitFor();
    return visitor.page;
  }
  const title = (page: Page, name: string | RegExp) =>
    until(async () => new RegExp(name).test(await page.title()), { name: `the title says ${String(name)}` });

  test('each page has a title of its own, and one that exists not says so in it', async () => {
    const page = await arrive();
    await connectWallet(page);
    for (const [path, name] of [
      ['', 'Market'],
      [`rent?gpu=${machine.gpuType}`, 'Rent'],
      ['jobs', 'Jobs'],
      [`jobs/${jobId}`, 'lighthouse, running'],
      ['cost', 'Cost'],
      ['account', 'Account'],
      ['provider', 'My machines'],
      ['operator', 'Operator'],
      ['nothing-here', 'Nothing here'],
      [`jobs/${noSuchJob}`, 'No such job'],
      ['jobs/no-id', 'No such job'],
      ['provider/no-such-machine', 'no-such-machine'],
    ]) {
      await visitor.open(path);
      await title(page, `^${name} · `);
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    }
  });

  test('an address that was sent leads there after the login', async () => {
    const page = await arrive(`jobs/${jobId}`);
    await page.getByRole('main').getByRole('button', { name: 'Connect wallet' }).click();
    await walletDialogOf(page, 'Connect a wallet').sign();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(page.url()).toContain(`/console/jobs/${jobId}`);
    await page.getByRole('link', { name: '← Jobs' }).click();
    await page.getByRole('link', { name: 'lighthouse' }).waitFor();
  });

  test('back leads to where one was on the page, forward to the page, and the focus to its heading', async () => {
    const page = await arrive('', 320);
    await page.getByRole('table').first().waitFor();
    await page.evaluate('scrollTo(0, 600)');
    await until(async () => (await page.evaluate<number>('history.state?.scroll ?? 0')) === 600);
    // Machines of others join meanwhile, and the browser keeps in sight what is seen: what is left is where one is then.
    await page.evaluate(
      `addEventListener('popstate', ({ state }) => (globalThis.left = state.scroll), { once: true })`,
    );
    await shellOf(page).places.getByRole('link', { name: 'Jobs' }).click();
    await title(page, /^Jobs/);
    expect(await page.evaluate('scrollY')).toBe(0);
    await until(() => hasFocus(shellOf(page).heading), { name: 'the focus is at the heading' });
    await page.goBack();
    await title(page, /^Market/);
    expect(await page.evaluate<number>('left')).toBeGreaterThan(300);
    await until(async () => await page.evaluate<boolean>('scrollY === left'), { name: 'the page is where it was' });
    await page.goForward();
    await title(page, /^Jobs/);
  });

  test('a filter of the list of jobs stands in the address, and another tab opens the same', async () => {
    const page = await arrive();
    await connectWallet(page);
    await shellOf(page).places.getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('link', { name: 'lighthouse' }).waitFor();
    await page.getByRole('radio', { name: 'Ended' }).check();
    await page.getByText('No job has ended yet').waitFor();
    const tab = await visitor.context.newPage();
    await tab.goto(page.url());
    await connectWallet(tab);
    await tab.getByText('No job has ended yet').waitFor();
  });

  test('enlarged to 200 and to 400 percent, all of a job can be read without scrolling sideways', async () => {
    // What a browser does with a window of 1280 pixels.
    const page = await arrive();
    await connectWallet(page);
    for (const width of [640, 320]) {
      await page.setViewportSize({ width, height: Math.round((width * 9) / 16) });
      for (const path of [`jobs/${jobId}`, `rent?gpu=${machine.gpuType}`, 'account', '']) {
        await visitor.open(path);
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        expect(await sidewaysScroll(page)).toEqual([]);
      }
      const ssh = page.getByRole('button', { name: 'Copy the SSH command' });
      await visitor.open(`jobs/${jobId}`);
      await ssh.scrollIntoViewIfNeeded();
      await ssh.click({ trial: true });
    }
  });

  test('a screen reader finds places, regions with names, and buttons that say what they do', async () => {
    const page = await arrive();
    await connectWallet(page);
    await visitor.open(`jobs/${jobId}`);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    // The footer is out of sight while any card waits for its facts, and cards may appear late.
    let outline = '';
    await until(async () => (outline = await page.locator('body').ariaSnapshot()).includes('- contentinfo:'), {
      name: 'no card waits for its facts',
    });
    for (const place of [/- banner:/, /- navigation "Pages":/, /- main:/, /- region "Log in":/])
      expect(outline).toMatch(place);
    for (const name of ['Copy the SSH command', 'Copy the id of the job', 'Extend by', 'Rename…', 'End…'])
      expect(outline).toContain(`- button "${name}`);
    const nameless = /- (?:button|link|textbox|combobox|checkbox)(?::|$)/m.exec(outline);
    expect(nameless).toBeNull();
  });
});
