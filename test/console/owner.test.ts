import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium } from '../support/chromium.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { newWallet } from '../support/api.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { connectWallet, words } from './pages/shell.js';

(await describeWithChromium())('an owner and the machines that are rented out', () => {
  let site: OpenConsole;
  let machine: Machine;
  let visitor: Visitor;
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({ gpuPricePerHour: 0.5 });
  }, browserStartsWithinMs);
  afterEach(async () => await visitor?.context.close());
  afterAll(async () => await site?.close());

  async function open(owner = machine.owner) {
    visitor = await site.visitor({ wallet: browserWallet({ account: owner }) });
    await visitor.open('provider');
    await connectWallet(visitor.page, { limit: 'Look only' });
    return visitor.page;
  }
  const row = (id = machine.providerId) => visitor.page.getByRole('row').filter({ hasText: id }).first();
  /** Opens one of the sheets of a machine. */
  async function sheetOf(name: RegExp) {
    const { page } = visitor;
    await page.getByRole('button', { name: `Actions for ${machine.providerId}` }).click();
    await page.getByRole('menuitem', { name }).click();
    return page.getByRole('dialog');
  }

  test('a price that is set on the page is the price that the market shows', async () => {
    const page = await open();
    const sheet = await sheetOf(/Change prices/);
    await sheet.getByRole('textbox').first().fill('0.61');
    await sheet.getByRole('button', { name: 'Set prices' }).click();
    await sheet.waitFor({ state: 'detached' });
    await until(async () => (await words(row())).includes('0.61'));
    await page.goto(`/console/?gpu=${machine.gpuType}`);
    await page.getByRole('row').filter({ hasText: machine.providerId }).getByText('0.61').waitFor();
    const owner = await site.client(machine.owner);
    await owner.providers.clearPrices(machine.providerId);
  });

  test('a drain says before whom it cuts short, its customer reads why, and it can be taken back', async () => {
    const customersWallet = newWallet();
    const customer = await site.client(customersWallet);
    const { job_id: id } = await customer.jobs.rentAndWait({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 8 },
      ssh_public_keys: [ed25519Key()],
    });
    const told = await site.visitor({ wallet: browserWallet({ account: customersWallet }) });
    await told.open();
    await connectWallet(told.page);
    await told.open(`jobs/${id}`);
    await told.page.getByRole('heading', { name: 'Log in' }).waitFor();

    await open();
    await until(async () => (await words(row())).includes('1 of 4'));
    const sheet = await sheetOf(/^Drain/);
    await sheet.getByRole('radio', { name: 'in …' }).check();
    // Half a minute.
    await sheet.getByLabel('Deadline').fill('0.01');
    await sheet.getByText(/One customer loses time/).waitFor();
    await sheet.getByRole('button', { name: 'Drain', exact: true }).click();
    await sheet.waitFor({ state: 'detached' });
    await until(async () => (await customer.providers.get(machine.providerId)).cordoned === true);
    await until(async () => /drain|no new jobs/i.test(await words(row())), { name: 'the row says that it drains' });
    await told.page.getByRole('heading', { name: 'Log in' }).waitFor({ state: 'detached', timeout: 90_000 });
    const { status, message = '' } = await customer.jobs.get(id);
    expect(status).not.toBe('running');
    await until(async () => /owner|drain/i.test(await told.page.locator('main').innerText()), {
      name: `its customer reads why (${message})`,
    });
    await told.context.close();

    const back = await sheetOf(/Take jobs again/);
    await back.getByRole('button', { name: 'Take jobs again' }).click();
    await back.waitFor({ state: 'detached' });
    await until(async () => (await customer.providers.get(machine.providerId)).cordoned === false);
  }, 240_000);

  test('the row of a machine that joins turns to serving while its owner looks', async () => {
    const owner = newWallet();
    visitor = await site.visitor({ wallet: browserWallet({ account: owner }) });
    await visitor.open('provider');
    await connectWallet(visitor.page, { limit: 'Look only' });
    const { page } = visitor;
    await page.getByRole('button', { name: 'Add a machine' }).first().click();
    const joined = await site.machine({ owner });
    await row(joined.providerId).waitFor({ timeout: 60_000 });
    await until(async () => /serv|available|free|ready/i.test(await words(row(joined.providerId))), {
      ...{ timeoutMs: 60_000, budgetMs: 20_000, name: 'its row says that it serves' },
    });
    expect(visitor.seen.complaints).toEqual([]);
  });

  test('a machine that goes silent is offline on the page, and is back when it is heard again', async () => {
    await open();
    await until(async () => (await row().count()) > 0);
    machine.stopHeartbeats();
    await machine.stopNode();
    try {
      await until(async () => /offline/i.test(await words(row())), {
        ...{ timeoutMs: 100_000, budgetMs: 90_000, everyMs: 500, name: 'the row says that it is offline' },
      });
    } finally {
      await machine.startNode();
      machine.startHeartbeats();
      await machine.beat();
    }
    // All the way back: the other tests rent it.
    await until(async () => /available/i.test(await words(row())), {
      ...{ timeoutMs: 60_000, budgetMs: 30_000, everyMs: 500, name: 'the row says that it is back' },
    });
  }, 240_000);
});
