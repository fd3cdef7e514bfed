import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { newWallet } from '../support/api.js';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { consoleOperator } from '../support/console-stack.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { chooseFromMenu, goToTab, press, tabTo } from './pages/keys.js';
import { stuckItem } from './pages/operator.js';
import { connectWallet, walletDialogOf, words } from './pages/shell.js';

(await describeWithChromium())('an operator and an owner without a mouse', () => {
  let site: OpenConsole;
  let machine: Machine;
  let customer: WorldLand;
  const customersWallet = newWallet();
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine();
    customer = await site.client(customersWallet);
  }, browserStartsWithinMs);
  afterEach(async () => {
    for (const { context } of visitors.splice(0)) await context.close();
  });
  afterAll(async () => await site?.close());

  async function visit(account: ReturnType<typeof newWallet>): Promise<Visitor> {
    const visitor = await site.visitor({ wallet: browserWallet({ account }) });
    visitors.push(visitor);
    return visitor;
  }

  /** Signs as an operator, by keys. */
  async function operate(): Promise<Page> {
    const { page, open } = await visit(consoleOperator);
    await open('operator');
    await press(page, page.getByRole('button', { name: 'Sign as an operator' }));
    const { dialog, wallet } = walletDialogOf(page, 'Sign in as an operator');
    await press(page, wallet('Otter Wallet'));
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('tab', { name: 'Now' }).waitFor();
    return page;
  }

  test('the stuck job is found and ended, its customer reads the reason, and the audit names who did it', async () => {
    const { job } = await customer.jobs.create({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 1 },
      ...{ image: 'ghcr.io/example/does-not-exist:1', ssh_public_keys: [ed25519Key()] },
    });
    const page = await operate();
    const item = await stuckItem(page, job.job_id);
    await until(async () => (await words(item)).includes('The container image cannot be pulled'), {
      ...{ timeoutMs: 60_000, budgetMs: 20_000, everyMs: 300, name: 'the list says what the job waits for' },
    });
    expect(await words(item)).toMatch(/it ends by itself at \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    await tabTo(page, item.getByRole('link', { name: /Temporal/ }));

    await press(page, item.getByRole('button', { name: 'End…' }));
    const sheet = page.getByRole('dialog', { name: /End job/ });
    const reason = sheet.getByLabel('Reason');
    // The dialog opens where one writes.
    await until(async () => (await page.evaluate('document.activeElement.tagName')) === 'TEXTAREA');
    await reason.waitFor();
    await page.keyboard.insertText('no registry has this image');
    await press(page, sheet.getByRole('button', { name: 'End the job' }));
    await sheet.waitFor({ state: 'detached' });
    await until(async () => (await customer.jobs.get(job.job_id)).status === 'cancelled', { everyMs: 300 });

    const reader = await visit(customersWallet);
    await reader.open();
    await connectWallet(reader.page);
    await reader.open(`jobs/${job.job_id}`);
    await reader.page.getByText('no registry has this image').first().waitFor();

    await goToTab(page, 'Audit');
    // Others operate this broker, too, and four digits may be in a row of theirs.
    const row = page
      .getByRole('row')
      .filter({ hasText: job.job_id.slice(-4) })
      .filter({ hasText: 'no registry has this image' });
    await row.first().waitFor();
  }, 240_000);

  test('a machine that does not sign waits, its wallet is compared, and once it is approved it may join', async () => {
    const providerId = `unsigned-${Date.now() % 1_000_000}`;
    const page = await operate();
    const unsigned = { providerId, isSigned: false, wallet: newWallet().address };
    // It gives up where the broker tells it to wait, and joins where it hears of the approval first.
    const joining = site.machine(unsigned).catch(() => undefined);
    await page.getByRole('heading', { name: /Waiting for approval/ }).waitFor({ timeout: 60_000 });
    const waiting = page.getByRole('row').filter({ hasText: providerId });
    await press(page, waiting.getByRole('button', { name: 'Approve…' }));
    const sheet = page.getByRole('dialog', { name: `Approve ${providerId}` });
    expect(await words(sheet)).toContain(unsigned.wallet.toLowerCase());
    await press(page, sheet.getByRole('button', { name: 'Approve', exact: true }));
    await sheet.waitFor({ state: 'detached' });
    await waiting.waitFor({ state: 'detached' });
    await goToTab(page, 'Machines');
    const row = page.getByRole('row').filter({ hasText: providerId });
    await until(async () => /approved|joined|available/.test(await words(row)), {
      timeoutMs: 60_000,
      name: 'it may join',
    });
    expect(await words(row)).not.toContain('waits for approval');
    await joining;
    await goToTab(page, 'Audit');
    await page
      .getByRole('row')
      .filter({ hasText: providerId })
      .filter({ hasText: /approved/ })
      .first()
      .waitFor();
  }, 180_000);

  test('a machine is priced, drained and taken back by its owner, and one that joins turns green while one looks', async () => {
    const { page, open } = await visit(machine.owner);
    await open('provider');
    await press(page, page.getByRole('button', { name: 'Connect wallet' }).first());
    const { dialog, wallet } = walletDialogOf(page, 'Connect a wallet');
    await press(page, wallet('Otter Wallet'));
    await dialog.waitFor({ state: 'detached' });

    const row = (id = machine.providerId) => page.getByRole('row').filter({ hasText: id }).first();
    const actions = page.getByRole('button', { name: `Actions for ${machine.providerId}` });
    const item = (name: RegExp) => page.getByRole('menuitem', { name });
    const sheet = page.getByRole('dialog');
    await chooseFromMenu(page, actions, item(/Change prices/));
    await tabTo(page, sheet.getByRole('textbox').first());
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText('0.61');
    await press(page, sheet.getByRole('button', { name: 'Set prices' }));
    await sheet.waitFor({ state: 'detached' });
    await until(async () => (await words(row())).includes('0.61'), { name: 'the row has the price' });

    await chooseFromMenu(page, actions, item(/^Drain/));
    await press(page, sheet.getByRole('button', { name: 'Drain', exact: true }));
    await sheet.waitFor({ state: 'detached' });
    await until(async () => /drain|no new jobs/i.test(await words(row())), { name: 'the row says that it drains' });
    await chooseFromMenu(page, actions, item(/Take jobs again/));
    await press(page, sheet.getByRole('button', { name: 'Take jobs again' }));
    await sheet.waitFor({ state: 'detached' });
    await until(async () => (await words(row())).includes('available'), { name: 'the row says that it serves' });

    await press(page, page.getByRole('button', { name: 'Add a machine' }).first());
    await page.getByRole('heading', { name: 'Add a machine' }).waitFor();
    const second = await site.machine({ owner: machine.owner });
    await row(second.providerId).locator('.state.tone-good').first().waitFor({ timeout: 60_000 });
    expect(await words(row(second.providerId))).toContain('available');
  }, 180_000);
});
