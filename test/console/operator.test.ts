import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WorldLand } from '../../src/client/index.js';
import { newWallet } from '../support/api.js';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium } from '../support/chromium.js';
import { consoleOperator } from '../support/console-stack.js';
import { openConsole, type Machine, type OpenConsole, type Visitor } from '../support/console.js';
import { ed25519Key } from '../support/ssh-key.js';
import { until } from '../support/until.js';
import { stuckItem } from './pages/operator.js';
import { connectWallet, shellOf, walletDialogOf, words } from './pages/shell.js';

(await describeWithChromium())('operating the broker', () => {
  let site: OpenConsole;
  let machine: Machine;
  let customer: WorldLand;
  const visitors: Visitor[] = [];
  const customersWallet = newWallet();

  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({ gpus: { model: 'NVIDIA STUCK-OTTER', count: 4 } });
    customer = await site.client(customersWallet);
  }, browserStartsWithinMs);
  afterEach(async () => {
    for (const { context } of visitors.splice(0)) await context.close();
  });
  afterAll(async () => await site?.close());

  const order = (name: string) => ({
    ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 1 },
    ...{ job_name: name, image: 'ghcr.io/example/does-not-exist:1', ssh_public_keys: [ed25519Key()] },
  });

  async function visit(wallet = browserWallet({ account: consoleOperator })): Promise<Visitor> {
    const visitor = await site.visitor({ wallet });
    visitors.push(visitor);
    return visitor;
  }

  /** Opens the operator's page and signs there. */
  async function operate(): Promise<Visitor> {
    const visitor = await visit();
    await visitor.open('operator');
    await visitor.page.getByRole('button', { name: 'Sign as an operator' }).click();
    await walletDialogOf(visitor.page, 'Sign in as an operator').sign();
    await visitor.page.getByRole('tab', { name: 'Now' }).waitFor();
    return visitor;
  }

  test('an operator finds a stuck job, follows it to Temporal, and ends it with a reason that its customer reads', async () => {
    const { job } = await customer.jobs.create(order('stuck-one'), { wait: 0 });
    const { page, seen } = await operate();
    const item = await stuckItem(page, job.job_id);
    await until(async () => /image/.test(await words(item)), {
      ...{ timeoutMs: 60_000, budgetMs: 20_000, everyMs: 300, name: 'the list says what the job waits for' },
    });
    const link = item.getByRole('link', { name: /Temporal/ });
    expect(await link.getAttribute('href')).toBe(
      `${site.endpoints.temporal_ui}/namespaces/default/workflows/job:${job.job_id}`,
    );
    expect(await link.getAttribute('rel')).toContain('noopener');

    // Two clicks from the page: End…, and the button of the sheet.
    await item.getByRole('button', { name: 'End…' }).click();
    const sheet = page.getByRole('dialog', { name: /End job/ });
    await sheet.getByLabel('Reason').fill('the image does not exist');
    await sheet.getByRole('button', { name: 'End the job' }).click();
    await sheet.waitFor({ state: 'detached' });
    await until(async () => (await customer.jobs.get(job.job_id)).status === 'cancelled', { everyMs: 300 });

    const reader = await visit(browserWallet({ account: customersWallet }));
    await reader.open();
    await connectWallet(reader.page);
    await reader.open(`jobs/${job.job_id}`);
    await reader.page.getByText('the image does not exist').first().waitFor();

    await page.getByRole('tab', { name: 'Audit' }).click();
    // Others operate this broker, too, and four digits may be in a row of theirs.
    const audit = page
      .getByRole('row')
      .filter({ hasText: job.job_id.slice(-4) })
      .filter({ hasText: 'the image does not exist' });
    await audit.first().waitFor();
    expect(seen.complaints).toEqual([]);
  }, 240_000);

  test('the key of an operator is in memory only: a reload asks the wallet again, and nothing of it is stored', async () => {
    const { page } = await operate();
    const kept = await page.evaluate<string>('JSON.stringify([{ ...sessionStorage }, { ...localStorage }])');
    expect(kept).not.toMatch(/(?<![0-9a-f])(?:0x)?[0-9a-f]{64}(?![0-9a-f])/i);
    expect(kept).not.toContain('"admin"');
    await page.reload();
    await page.getByRole('button', { name: 'Sign as an operator' }).waitFor();
  });

  test('a machine is drained by an operator, and the audit says by whom', async () => {
    const { page } = await operate();
    await page.getByRole('tab', { name: 'Machines' }).click();
    await page.getByRole('button', { name: `Actions for ${machine.providerId}` }).click();
    await page.getByRole('menuitem', { name: /^Drain/ }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('button', { name: 'Drain', exact: true }).click();
    await sheet.waitFor({ state: 'detached' });
    await until(async () => (await customer.providers.get(machine.providerId)).cordoned === true, { everyMs: 300 });
    await page.getByRole('tab', { name: 'Audit' }).click();
    const row = page
      .getByRole('row')
      .filter({ hasText: machine.providerId })
      .filter({ hasText: consoleOperator.address.slice(0, 6).toLowerCase() });
    await row.first().waitFor();
    const operator = await site.client(consoleOperator, ['admin', 'providers:write']);
    await operator.providers.uncordon(machine.providerId, { asOperator: true });
    await until(async () => (await customer.providers.get(machine.providerId)).cordoned === false, { everyMs: 300 });
  });

  test('a wallet that is no operator is told so, and asks for nothing', async () => {
    const visitor = await visit(browserWallet());
    await visitor.open();
    await connectWallet(visitor.page);
    expect(await shellOf(visitor.page).places.getByRole('link', { name: 'Operator' }).count()).toBe(0);
    await visitor.open('operator');
    await visitor.page.getByText('This page is for the operators of this broker').waitFor();
    expect(visitor.seen.urls.filter((url) => url.includes('/api/v1/admin/'))).toEqual([]);
  });
});
