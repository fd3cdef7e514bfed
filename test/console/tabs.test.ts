import { expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { browserWallet } from '../support/browser-wallet.js';
import { describeWithChromium, type Page } from '../support/chromium.js';
import type { Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { connectWallet, walletDialogOf, shellOf } from './pages/shell.js';
import { siteOfTests } from './pages/site.js';

(await describeWithChromium())('several tabs of one browser', () => {
  const at = siteOfTests({ gpus: { model: `NVIDIA TABS-${Date.now() % 100_000}`, count: 8 } });
  let visitor: Visitor;

  /** Tabs of one person, each connected by itself, on the page of jobs. `streams` counts connections by tab. */
  async function tabs(wallets = [browserWallet()], choices = wallets.map(({ name }) => name)) {
    visitor = await at.visit({ wallets, wallet: wallets[0]! });
    const opened: { page: Page; streams: string[] }[] = [];
    for (const wallet of choices) {
      const page = opened.length === 0 ? visitor.page : await visitor.context.newPage();
      const streams: string[] = [];
      page.on('request', (request) => {
        if (request.url().endsWith('/api/v1/events')) streams.push(request.url());
      });
      await page.goto('/console/jobs');
      await connectWallet(page, { wallet });
      await live(page).waitFor();
      opened.push({ page, streams });
    }
    return opened;
  }
  const live = (page: Page) => page.locator('.state').filter({ hasText: /live$/ });
  const order = async (customer: WorldLand, name: string) =>
    (
      await customer.jobs.create(
        {
          ...{ gpu_type: at.machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, job_name: name },
          ...{ duration_hours: 1, ssh_public_keys: [ed25519Key()] },
        },
        { wait: 0 },
      )
    ).job.job_id;
  /** Within a few seconds, and not with the reading of every half minute. */
  const shows = async (page: Page, name: string) =>
    await page.getByRole('link', { name, exact: true }).first().waitFor({ timeout: 15_000 });

  test('one tab reads what happens to the jobs, and when it is closed another one goes on', async () => {
    const wallet = browserWallet();
    const [first, second] = await tabs([wallet], [wallet.name, wallet.name]);
    expect([first!.streams.length, second!.streams.length]).toEqual([1, 0]);
    const customer = await at.site.client(wallet.account as never);
    const one = await order(customer, 'first-job');
    await Promise.all([shows(first!.page, 'first-job'), shows(second!.page, 'first-job')]);
    await first!.page.close();
    await until(() => second!.streams.length === 1);
    await live(second!.page).waitFor();
    const two = await order(customer, 'second-job');
    await shows(second!.page, 'second-job');
    for (const id of [one, two]) await customer.jobs.end(id);
  });

  test('a tab that the browser has frozen is not waited for', async () => {
    const wallet = browserWallet();
    const [first, second] = await tabs([wallet], [wallet.name]).then(async ([opened]) => {
      const page = await visitor.context.newPage();
      await page.clock.install();
      await page.goto('/console/jobs');
      await connectWallet(page, { wallet: wallet.name });
      await live(page).waitFor();
      return [opened!.page, page] as const;
    });
    const devtools = await visitor.context.newCDPSession(first);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    // Its answer: what happens before the broker has it is not on the stream of a tab that has seen no event.
    const followed = second.waitForResponse((response) => response.url().endsWith('/api/v1/events'));
    await second.clock.fastForward(100_000);
    await second.clock.resume();
    await followed;
    const customer = await at.site.client(wallet.account as never);
    const id = await order(customer, 'thawed-job');
    await shows(second, 'thawed-job');
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await customer.jobs.end(id);
  });

  test('two wallets in two tabs each hear of their own jobs', async () => {
    const wallets = [browserWallet(), browserWallet({ name: 'Second Wallet' })];
    const [first, second] = await tabs(wallets);
    expect([first!.streams.length, second!.streams.length]).toEqual([1, 1]);
    const customer = await at.site.client(wallets[1]!.account as never);
    const id = await order(customer, 'of-the-second');
    await shows(second!.page, 'of-the-second');
    expect(await first!.page.getByText('of-the-second').count()).toBe(0);
    await customer.jobs.end(id);
  });

  test('who logs out while the stream is away, and in again, hears of jobs at once', async () => {
    const wallet = browserWallet();
    const [tab] = await tabs([wallet]);
    const { page } = tab!;
    await page.route('**/api/v1/events', (route) => route.fulfill({ status: 500, body: '{}' }));
    await page.reload();
    await page.getByText('read every half minute').waitFor();
    await shellOf(page).wallet.click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await shellOf(page).connect.waitFor();
    await page.unroute('**/api/v1/events');
    await shellOf(page).connect.click();
    await walletDialogOf(page).sign();
    await live(page).waitFor({ timeout: 15_000 });
  });
});
