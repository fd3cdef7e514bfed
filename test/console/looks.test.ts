import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { LocalAccount } from 'viem';
import { newWallet } from '../support/api.js';
import { browserWallet } from '../support/browser-wallet.js';
import { browserStartsWithinMs, describeWithChromium, type Page } from '../support/chromium.js';
import { consoleOperator } from '../support/console-stack.js';
import { artifactsFolder, openConsole, type Machine, type OpenConsole } from '../support/console.js';
import { keepPicture, seriousFindings, sidewaysScroll } from '../support/looks.js';
import { ed25519Key } from '../support/ssh-key.js';
import { connectWallet, shellOf, walletDialogOf } from './pages/shell.js';

const themes = ['light', 'dark'] as const;
const widths = [320, 768, 1440];

(await describeWithChromium())('each page, in both themes and three widths', () => {
  let site: OpenConsole;
  let machine: Machine;
  const customer = newWallet();
  /** The jobs of the customer. */
  const jobs = { running: '', failed: '', ended: '' };

  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine({ region: 'fi-helsinki' });
    await site.sampleMarket(machine.gpuType);
    const client = await site.client(customer);
    const order = (name: string, more: object = {}) => ({
      ...{ gpu_type: machine.gpuType, gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 2 },
      ...{ job_name: name, ssh_public_keys: [ed25519Key()], ...more },
    });
    jobs.running = (await client.jobs.rentAndWait(order('a-job-with-quite-a-long-name-that-has-to-fit'))).job_id;
    jobs.ended = (await client.jobs.rentAndWait(order('ended'))).job_id;
    await client.jobs.end(jobs.ended, { wait: 20 });
    jobs.failed = (await client.jobs.create(order('failed', { image: 'ghcr.io/example/exits-at-once:1' }))).job.job_id;
    await client.jobs.waitUntil(jobs.failed, 'ended').catch(() => undefined);
    await client.sshKeys.add({ name: 'laptop', publicKey: ed25519Key() });
  }, browserStartsWithinMs);
  afterAll(async () => await site?.close());

  const asCustomer = async (page: Page) => await connectWallet(page);
  const asOperator = async (page: Page) => {
    await page.goto('/console/operator');
    await page.getByRole('button', { name: 'Sign as an operator' }).click();
    await walletDialogOf(page, 'Sign in as an operator').sign();
    await page.getByRole('tab', { name: 'Now' }).waitFor();
  };

  interface Look {
    name: string;
    path: string | (() => string);
    account?: () => LocalAccount;
    before?: (page: Page) => Promise<void>;
    /** What is there once the page is. */
    ready?: (page: Page) => Promise<void>;
  }
  const heading = (name: RegExp) => async (page: Page) => {
    await page.getByRole('heading', { name }).first().waitFor();
  };
  const looks: Look[] = [
    { name: 'market', path: '', ready: async (page) => await page.getByRole('table').first().waitFor() },
    {
      ...{ name: 'market-no-match', path: '?region=nowhere' },
      ready: async (page) => await page.getByText('Nothing free fits all of these filters').waitFor(),
    },
    { name: 'rent', path: () => `rent?gpu=${machine.gpuType}`, ready: heading(/Summary/) },
    { name: 'jobs-connect-first', path: 'jobs' },
    { name: 'rent-out-connect-first', path: 'provider' },
    { name: 'operator-sign-first', path: 'operator' },
    { name: 'nothing-here', path: 'nothing-here' },
    {
      name: 'connect-dialog',
      path: '',
      ready: async (page) => {
        await shellOf(page).connect.click();
        await page.getByRole('button', { name: 'Otter Wallet' }).waitFor();
      },
    },
    {
      name: 'jobs',
      path: 'jobs',
      before: asCustomer,
      ready: async (page) => await page.getByRole('table').first().waitFor(),
    },
    { name: 'job-running', path: () => `jobs/${jobs.running}`, before: asCustomer, ready: heading(/Log in/) },
    { name: 'job-failed', path: () => `jobs/${jobs.failed}`, before: asCustomer, ready: heading(/Events/) },
    { name: 'job-ended', path: () => `jobs/${jobs.ended}`, before: asCustomer, ready: heading(/Events/) },
    { name: 'cost', path: 'cost', before: asCustomer, ready: heading(/By job/) },
    { name: 'statement', path: 'cost?view=statements', before: asCustomer, ready: heading(/Bookings/) },
    { name: 'receipts', path: 'cost?view=receipts', before: asCustomer, ready: heading(/Receipts/) },
    {
      ...{ name: 'receipt', path: () => `jobs/${jobs.ended}/receipt`, before: asCustomer },
      ready: async (page) => {
        await page.getByRole('button', { name: 'Verify' }).click();
        await page.locator('.checks').waitFor();
      },
    },
    { name: 'account', path: 'account', before: asCustomer },
    {
      ...{ name: 'machines', path: 'provider', before: asCustomer, account: () => machine.owner },
      ready: async (page) => await page.getByRole('table').first().waitFor(),
    },
    { name: 'machine', path: () => `provider/${machine.providerId}`, before: asCustomer, account: () => machine.owner },
    { name: 'earnings', path: 'provider?view=earnings', before: asCustomer, account: () => machine.owner },
    {
      ...{ name: 'earned-receipts', path: 'provider?view=receipts', before: asCustomer },
      account: () => machine.owner,
    },
    { name: 'add-a-machine', path: 'provider?add=1', before: asCustomer, account: () => machine.owner },
  ];

  /** Waits until nothing is being loaded any more. */
  async function settle(page: Page): Promise<void> {
    await shellOf(page).heading.waitFor();
    await page.locator('.skeleton').first().waitFor({ state: 'detached' });
    await page.evaluate('document.fonts.ready');
  }

  async function look(page: Page, name: string): Promise<string[]> {
    await keepPicture(page, artifactsFolder, name);
    const found = [...(await seriousFindings(page)), ...(await sidewaysScroll(page)).map((what) => `scrolls: ${what}`)];
    return found.map((each) => `${name}: ${each}`);
  }

  test.each(looks.map((each) => [each.name, each] as const))(
    'everybody can read and use “%s”, and it does not scroll sideways',
    async (name, { path, account, before, ready }) => {
      const found: string[] = [];
      for (const theme of themes) {
        const visitor = await site.visitor({ theme, wallet: browserWallet({ account: account?.() ?? customer }) });
        const { page } = visitor;
        if (before !== undefined) {
          await visitor.open();
          await before(page);
        }
        for (const width of widths) {
          await page.setViewportSize({ width, height: 900 });
          await visitor.open(typeof path === 'string' ? path : path());
          await settle(page);
          await ready?.(page);
          found.push(...(await look(page, `${name}-${theme}-${width}`)));
        }
        found.push(...visitor.seen.complaints.map((text) => `${name}-${theme}: ${text}`));
        await visitor.context.close();
      }
      expect(found).toEqual([]);
    },
    180_000,
  );

  test('everybody can read and use the views of an operator, and none scrolls sideways', async () => {
    const found: string[] = [];
    for (const theme of themes) {
      const visitor = await site.visitor({ theme, wallet: browserWallet({ account: consoleOperator }) });
      const { page } = visitor;
      await asOperator(page);
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        for (const tab of await page.getByRole('tab').allInnerTexts()) {
          await page.getByRole('tab', { name: tab, exact: true }).click();
          await settle(page);
          found.push(...(await look(page, `operator-${tab.toLowerCase().replace(/\W+/g, '-')}-${theme}-${width}`)));
        }
      }
      found.push(...visitor.seen.complaints.map((text) => `operator-${theme}: ${text}`));
      await visitor.context.close();
    }
    expect(found).toEqual([]);
  }, 240_000);
});
