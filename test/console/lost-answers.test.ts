import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { openJobId, rentOf } from './pages/rent.js';
import { connectWallet, walletDialogOf, words } from './pages/shell.js';

const hour = 3_600_000;

(await describeWithChromium())('what costs money, when an answer is lost or a price changes', () => {
  let site: OpenConsole;
  let machine: Machine;
  let visitor: Visitor;
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({ gpuPricePerHour: 1 });
  }, browserStartsWithinMs);
  afterEach(async () => await visitor?.context.close());
  afterAll(async () => await site?.close());

  async function person(): Promise<{ page: Page; elsewhere: WorldLand }> {
    visitor = await site.visitor();
    const { page, wallet } = visitor;
    await visitor.open(`rent?gpu=${machine.gpuType}`);
    await connectWallet(page);
    return { page, elsewhere: await site.client(wallet.account as never) };
  }

  /** The broker does what the next request asks for, and nobody hears of it. */
  async function loseNextAnswer(page: Page, path: string): Promise<{ lost(): boolean }> {
    let isLost = false;
    await page.route(path, async (route) => {
      if (isLost || route.request().method() !== 'POST') return await route.fallback();
      isLost = true;
      await route.fetch();
      await route.abort('connectionreset');
    });
    return { lost: () => isLost };
  }

  async function fill(page: Page, name: string): Promise<void> {
    const form = rentOf(page);
    await form.key.fill(ed25519Key());
    await form.name.fill(name);
    await until(async () => (await form.summary.innerText()).includes('can take this now'));
  }
  const jobsNamed = async (client: WorldLand, name: string) => await client.jobs.list({ name }).all(10);

  test('an extension whose answer was lost is paid once, after a reload, too, and the next one again', async () => {
    const { page, elsewhere } = await person();
    const { job_id: id, expires_at: before } = await elsewhere.jobs.rentAndWait({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1 },
      ...{ duration_hours: 1, ssh_public_keys: [ed25519Key()] },
    });
    const added = async () => Date.parse((await elsewhere.jobs.get(id)).expires_at!) - Date.parse(before!);
    await visitor.open(`jobs/${id}`);
    const extend = page.getByRole('button', { name: /^Extend by \+?1 h/ });
    await extend.waitFor();
    await loseNextAnswer(page, '**/api/v1/jobs/*/extend');
    await extend.click();
    await page.getByText('It is not known whether the job was extended.').waitFor();
    expect(await page.locator('main').innerText()).not.toContain('again by itself');
    expect(await added()).toBe(hour);

    await page.reload();
    await extend.click();
    await page.getByText('It had been extended already').waitFor();
    expect(await added()).toBe(hour);

    await extend.click();
    await page.getByText(/1 h more: it ends/).waitFor();
    expect(await added()).toBe(2 * hour);
    await elsewhere.jobs.end(id);
  });

  test('an order whose answer was lost is said to be unknown, and is one job when it is sent again', async () => {
    const { page, elsewhere } = await person();
    await fill(page, 'lost-order');
    const { lost } = await loseNextAnswer(page, '**/api/v1/jobs');
    await rentOf(page).rent.click();
    await page.getByText('It is not known whether it was ordered.').waitFor();
    expect(lost()).toBe(true);
    await rentOf(page).rent.click();
    const id = await openJobId(page);
    expect((await jobsNamed(elsewhere, 'lost-order')).map(({ job_id }) => job_id)).toEqual([id]);
    await elsewhere.jobs.end(id);
  });

  test('an order costs what stood on the page, although the price was raised in between', async () => {
    const { page, elsewhere } = await person();
    await fill(page, 'at-its-price');
    const owner = await site.client(machine.owner);
    // The page is not to read the new price before the order has gone, whenever it reads prices.
    let go: () => void = () => undefined;
    const held = new Promise<void>((done) => (go = done));
    await page.route('**/api/v1/quotes', async (route) => {
      await held;
      await route.continue().catch(() => undefined);
    });
    await owner.providers.setPrices(machine.providerId, { gpu: { [machine.gpuModel]: 1.5 } });
    await rentOf(page).rent.click();
    const id = await openJobId(page);
    go();
    expect((await elsewhere.jobs.waitUntil(id, 'running')).price_per_hour).toBe(1);
    await owner.providers.clearPrices(machine.providerId);
    await elsewhere.jobs.end(id);
  });

  test('a price that went up before the wallet was known is shown, and asked for again', async () => {
    visitor = await site.visitor();
    const { page, wallet } = visitor;
    await visitor.open(`rent?gpu=${machine.gpuType}`);
    await fill(page, 'dearer');
    await rentOf(page).rent.click();
    const { dialog, sign } = walletDialogOf(page, 'Connect a wallet');
    await dialog.waitFor();
    const owner = await site.client(machine.owner);
    await owner.providers.setPrices(machine.providerId, { gpu: { [machine.gpuModel]: 2 } });
    await sign();
    const note = page.getByRole('alert').filter({ hasText: 'The price has gone up' });
    expect(await words(note)).toMatch(/It is 2\.00 WLC in all now, instead of 1\.00 WLC.*Nothing was ordered\./);
    const elsewhere = await site.client(wallet.account as never);
    expect(await jobsNamed(elsewhere, 'dearer')).toEqual([]);

    await page.getByRole('button', { name: 'Rent at the new price' }).click();
    const id = await openJobId(page);
    expect((await elsewhere.jobs.waitUntil(id, 'running')).price_per_hour).toBe(2);
    await owner.providers.clearPrices(machine.providerId);
    await elsewhere.jobs.end(id);
  });
});
